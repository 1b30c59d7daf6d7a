import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a stand-in shows to whoever connects. */
export interface StandInCertificate {
  /** PEM: whoever trusts it connects. */
  cert: string;
  key: string;
  /** The file of `cert`. */
  file: string;
}

const names = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:fcm.googleapis.com', 'DNS:oauth2.googleapis.com', 'DNS:api.twilio.com'];
const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes a certificate for the names under which stand-ins are asked, or reads the one that is there. @param folder where it lies. */
export function standInCertificate(folder: string): StandInCertificate {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [file, keyFile] = [join(folder, 'push.pem'), join(folder, 'push.key')];
  if (!existsSync(file)) {
    const about = ['-days', '3', '-subj', '/CN=a stand-in of a test', '-addext', `subjectAltName=${names.join(',')}`];
    execFileSync('openssl', ['req', '-x509', ...keyArgs, '-keyout', keyFile, '-out', file, ...about], { stdio: 'ignore' });
  }
  return { cert: readFileSync(file, 'utf8'), key: readFileSync(keyFile, 'utf8'), file };
}
