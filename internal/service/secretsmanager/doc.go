// Package secretsmanager is AWS Secrets Manager: secrets, their versions and
// staging labels, resource policies, rotation by functions, and passwords.
//
// Each version is encrypted under a data key of its own, which KMS makes and opens
// with the rights of whoever calls; the encryption context binds it to the secret
// and the version, as AWS documents. The store holds nothing else of a value.
//
// A rotation is four effects in a row ([delivery.Effect]), one for each step, so
// that it goes on after a crash where it was, and a step that fails is tried again.
//
// There is no replication to other regions: what asks for it is refused, with the
// reason.
//
// # Rows
//
// In generation 0 of the service "secretsmanager", in the cell of the secret:
//
//	"secret" name                    → secret, JSON, with the labels of its versions
//	"version" name suffix version    → version, JSON: the sealed data key and what it encrypted
//
// and in package timer, "secretsmanager-delete" and "secretsmanager-rotate".
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
package secretsmanager
