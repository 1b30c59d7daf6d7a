import { Readable } from 'node:stream';
import type { Subject } from '@communication-center/contracts';
import { appOfKey, From, PathParam } from '@communication-center/service';
import { Body, Controller, Get, Put, StreamableFile } from '@nestjs/common';
import { z } from 'zod';

const bytesSchema = z.coerce.number().int().min(1).max(8_589_934_592);
const pieceBytes = 65_536;

/** Takes and gives files of any size, and keeps none: it shows what a transfer costs on its way. */
@Controller('v1/usage/archives')
export class ArchivesController {
  @Put()
  async take(@From() subject: Subject, @Body() body: AsyncIterable<Buffer>): Promise<{ bytes: number }> {
    appOfKey(subject, 'calls');
    let bytes = 0;
    for await (const piece of body) bytes += piece.length;
    return { bytes };
  }

  @Get(':bytes')
  give(@From() subject: Subject, @PathParam('bytes', bytesSchema) bytes: number): StreamableFile {
    appOfKey(subject, 'calls');
    return new StreamableFile(Readable.from(zeros(bytes)), { length: bytes, disposition: 'attachment' });
  }
}

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= pieceBytes) yield Buffer.alloc(Math.min(left, pieceBytes));
}
