// Package ssm is the Parameter Store of AWS Systems Manager: parameters in
// hierarchies, their versions, labels, history, policies and tags.
//
// A SecureString is encrypted by KMS, called with the rights of whoever puts or
// reads it: a standard one by Encrypt, an advanced one by a data key. Nothing of it
// lies in the store but the ciphertext, which is bound to the parameter's ARN by the
// encryption context, as AWS documents. A reference to a secret,
// /aws/reference/secretsmanager/name, is read from Secrets Manager in the same way.
//
// It is nothing else of Systems Manager: it has no instances, documents, patches
// or sessions.
//
// # Rows
//
// In generation 0 of the service "ssm", in the cell of the parameter; name begins
// with a slash, whether or not the parameter was given one:
//
//	"parameter" name        → parameter, JSON
//	"version" name number   → version, JSON, with the value or its ciphertext
//
// and in package timer, "ssm-expire", "ssm-expiring" and "ssm-unchanged" for the
// policies of a parameter.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
package ssm
