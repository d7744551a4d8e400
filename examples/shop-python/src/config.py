"""The guideline's ConfigurationService: parameters and secrets, each read when it is
needed and then kept for a while. Every read costs time and money; what was changed
or rotated must be noticed all the same."""

FIVE_MINUTES = 5 * 60


class Config:
    def __init__(self, ssm, secrets, keep=FIVE_MINUTES):
        """keep is for how many seconds a value is kept."""
        self.ssm = ssm
        self.secrets = secrets
        self.keep = keep
        self.kept = {}

    def parameter(self, name, now):
        """Returns the value of a parameter, decrypted if it is a SecureString. now
        is in seconds since 1970."""
        return self._get(
            ("parameter", name), now, lambda: self.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        )

    def secret(self, secret, now):
        """Returns the current value of a secret."""
        return self._get(("secret", secret), now, lambda: self.secrets.get_secret_value(SecretId=secret)["SecretString"])

    def _get(self, what, now, read):
        """What could not be read is not kept, and what is old is not given."""
        had = self.kept.get(what)
        if had and now - had[1] < self.keep:
            return had[0]
        value = read()
        self.kept[what] = (value, now)
        return value
