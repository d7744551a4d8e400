package kms

import (
	"github.com/nube-run/nube/internal/fault"
)

func notFound(arn string) *fault.Error {
	return fault.New("NotFoundException", "Key '%s' does not exist", arn)
}

func noAlias(arn string) *fault.Error {
	return fault.New("NotFoundException", "Alias %s is not found.", arn)
}

func badState(format string, args ...any) *fault.Error {
	return fault.New("KMSInvalidStateException", format, args...)
}

func unsupported(format string, args ...any) *fault.Error {
	return fault.New("UnsupportedOperationException", format, args...)
}

// invalidCiphertext is the answer to what no key made, or not with that
// encryption context. AWS gives it no message.
func invalidCiphertext() *fault.Error { return fault.New("InvalidCiphertextException", "") }

// incorrectKey is the answer to a ciphertext of another key than the one named.
func incorrectKey() *fault.Error {
	return fault.New("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
}

func usage(k *key, operation string) *fault.Error {
	return fault.New("InvalidKeyUsageException", "%s key usage is %s which is not valid for %s.", k.arn(), k.Usage, operation)
}

// dryRun is the answer to a call that would have succeeded.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
func dryRun() *fault.Error {
	return fault.New("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
}

// The reasons why there is none of these.
const (
	noStores  = "there are no CloudHSM clusters and no external key managers here; keys are nube's own"
	noRegions = "a cloud's regions share one process, so that a replica of a key would protect against nothing; make a key in each region"
	noEnclave = "there are no Nitro enclaves here, whose documents would have to be attested"
)
