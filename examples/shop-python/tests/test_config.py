"""The guideline's cache says five minutes, and keeps its values for ever."""

import unittest

from src.config import Config

MINUTE = 60


class Stores:
    """Parameter Store and Secrets Manager with one value, which count reads."""

    def __init__(self):
        self.value, self.reads, self.decrypted = "", 0, True

    def get_parameter(self, Name, WithDecryption=False):
        self.decrypted = self.decrypted and WithDecryption
        return {"Parameter": {"Value": self._read(Name)}}

    def get_secret_value(self, SecretId):
        return {"SecretString": self._read(SecretId)}

    def _read(self, name):
        self.reads += 1
        if not self.value:
            raise LookupError(name)
        return f"{name}={self.value}"


class ReadOnceInFiveMinutes(unittest.TestCase):
    def test(self):
        for kind in ("parameter", "secret"):
            stores = Stores()
            get = getattr(Config(stores, stores), kind)
            for after, name, value, want, reads in (
                (0, "a", "", None, 1),
                (0, "a", "one", "a=one", 2),  # a failure is not kept
                (5 * MINUTE - 1, "a", "two", "a=one", 2),
                (5 * MINUTE - 1, "b", "two", "b=two", 3),  # each for itself
                (5 * MINUTE, "a", "two", "a=two", 4),
                (10 * MINUTE - 1, "a", "three", "a=two", 4),
                (10 * MINUTE, "a", "", None, 5),  # what is old is not served
            ):
                with self.subTest(kind=kind, after=after, name=name):
                    stores.value = value
                    if want is None:
                        self.assertRaises(LookupError, get, name, after)
                    else:
                        self.assertEqual(get(name, after), want)
                    self.assertEqual(stores.reads, reads)
            self.assertTrue(stores.decrypted)


if __name__ == "__main__":
    unittest.main()
