import { concurrentIndexes, erasedAppsByTime, type Migration } from '@communication-center/service';

export const erasedAppsTimes: Migration = concurrentIndexes('ErasedAppsTimes1764620000072', erasedAppsByTime);
