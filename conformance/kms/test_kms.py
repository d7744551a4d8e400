"""AWS KMS through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/kms/latest/APIReference/
"""

import hashlib

import pytest


@pytest.fixture
def kms(client):
    return client("kms")


@pytest.fixture
def key(kms, request):
    """Makes a key, and has it deleted as early as that can be."""

    def make(**more):
        made = kms.create_key(**more)["KeyMetadata"]["KeyId"]

        def delete():
            if kms.describe_key(KeyId=made)["KeyMetadata"]["KeyState"] != "PendingDeletion":
                kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)

        request.addfinalizer(delete)
        return made

    return make


def test_context(kms, key):
    """encrypt_context.html: what was encrypted with a context opens with the same."""
    made = key()
    sealed = kms.encrypt(KeyId=made, Plaintext=b"text", EncryptionContext={"a": "b"})
    assert sealed["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened["Plaintext"] == b"text"
    assert opened["KeyId"].endswith(made)
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "c"})


def test_data_key(kms, key, request, name):
    """API_GenerateDataKey.html: the key, and the key sealed; by an alias too."""
    made = key()
    kms.create_alias(AliasName="alias/" + name, TargetKeyId=made)
    request.addfinalizer(lambda: kms.delete_alias(AliasName="alias/" + name))
    out = kms.generate_data_key(KeyId="alias/" + name, KeySpec="AES_256")
    assert len(out["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=out["CiphertextBlob"])["Plaintext"] == out["Plaintext"]
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=made, NumberOfBytes=16)


@pytest.mark.parametrize(
    "spec,algorithm", [("RSA_2048", "RSASSA_PSS_SHA_256"), ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"), ("ECC_NIST_P256", "ECDSA_SHA_256")]
)
def test_signature(kms, key, spec, algorithm):
    """API_Sign.html, API_Verify.html: of a message, and of its digest."""
    made = key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    digest = hashlib.sha256(b"text").digest()
    signed = kms.sign(KeyId=made, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)["Signature"]
    assert kms.verify(KeyId=made, Message=b"text", MessageType="RAW", Signature=signed, SigningAlgorithm=algorithm)["SignatureValid"] is True
    with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
        kms.verify(KeyId=made, Message=b"other", MessageType="RAW", Signature=signed, SigningAlgorithm=algorithm)
    public = kms.get_public_key(KeyId=made)
    assert (public["KeySpec"], public["KeyUsage"]) == (spec, "SIGN_VERIFY")
    assert public["PublicKey"][0] == 0x30  # DER


def test_mac(kms, key):
    """API_GenerateMac.html"""
    made = key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    mac = kms.generate_mac(KeyId=made, Message=b"text", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert kms.verify_mac(KeyId=made, Message=b"text", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"] is True
    with pytest.raises(kms.exceptions.KMSInvalidMacException):
        kms.verify_mac(KeyId=made, Message=b"other", MacAlgorithm="HMAC_SHA_256", Mac=mac)


def test_states(kms, key):
    """key-state.html: a key that is disabled, and one that waits to be deleted, does nothing."""
    made = key()
    kms.disable_key(KeyId=made)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.encrypt(KeyId=made, Plaintext=b"x")
    kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.encrypt(KeyId=made, Plaintext=b"x")
    kms.cancel_key_deletion(KeyId=made)
    assert kms.describe_key(KeyId=made)["KeyMetadata"]["KeyState"] == "Disabled"


def test_errors_by_name(kms, key):
    """API_DescribeKey.html, API_Encrypt.html"""
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/none-of-conformance")
    with pytest.raises(kms.exceptions.InvalidKeyUsageException):
        kms.encrypt(KeyId=key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"), Plaintext=b"x")
