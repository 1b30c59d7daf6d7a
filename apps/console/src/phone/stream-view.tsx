import { AspectRatio, Badge, Box } from '@mantine/core';
import { useEffect, useRef } from 'react';

interface Props {
  stream: MediaStream | undefined;
  label: string;
  /** One's own sound is not played back. */
  own?: boolean;
}

/** Plays one person's camera and microphone. */
export function StreamView({ stream, label, own = false }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream ?? null;
  }, [stream]);
  return (
    <AspectRatio ratio={16 / 9} flex={1} miw={220}>
      <Box bg="dark.7" pos="relative" style={{ borderRadius: 8, overflow: 'hidden' }}>
        <video
          ref={video}
          aria-label={label}
          autoPlay
          playsInline
          muted={own}
          style={{ width: '100%', height: '100%', objectFit: 'cover' }}
        />
        <Badge pos="absolute" bottom={8} left={8} variant="filled" color="dark">
          {label}
        </Badge>
      </Box>
    </AspectRatio>
  );
}
