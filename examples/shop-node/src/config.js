// The guideline's ConfigurationService: parameters and secrets, each read when it is
// needed and then kept for a while. Every read costs time and money; what was changed
// or rotated must be noticed all the same.
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand } from "@aws-sdk/client-ssm";

export class Config {
  #ssm;
  #secrets;
  #keep;
  #kept = new Map();

  // keep is for how many milliseconds a value is kept.
  constructor({ ssm, secrets, keep = 5 * 60 * 1000 }) {
    this.#ssm = ssm;
    this.#secrets = secrets;
    this.#keep = keep;
  }

  // parameter returns the value of a parameter, decrypted if it is a SecureString.
  // now is in milliseconds since 1970.
  parameter(name, now) {
    return this.#get(`parameter ${name}`, now, async () => {
      const { Parameter } = await this.#ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
      return Parameter.Value;
    });
  }

  // secret returns the current value of a secret.
  secret(id, now) {
    return this.#get(`secret ${id}`, now, async () => {
      const { SecretString } = await this.#secrets.send(new GetSecretValueCommand({ SecretId: id }));
      return SecretString;
    });
  }

  // What could not be read is not kept, and what is old is not given.
  async #get(what, now, read) {
    const had = this.#kept.get(what);
    if (had && now - had.read < this.#keep) return had.value;
    const value = await read();
    this.#kept.set(what, { value, read: now });
    return value;
  }
}
