import { commonSettings } from '@communication-center/service';
import { z } from 'zod';

export const settings = z.object({ ...commonSettings });
