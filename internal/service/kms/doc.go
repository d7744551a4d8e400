// Package kms is AWS KMS: symmetric, HMAC, RSA and elliptic curve keys, their
// policies, grants and aliases, rotation and deletion, and imported material.
//
// Key material lies in the store only sealed ([Sealer]), and leaves the service
// only as AWS lets it: public keys, data keys, shared secrets. A ciphertext says
// which key and which of its materials made it, so old ones decrypt after any
// number of rotations.
//
// A key policy decides: what it does not allow, nor let IAM policies allow, nobody
// may, the account's root not either. Grants count as statements of it. The keys
// that services use on behalf of their callers, alias/aws/ssm and so on, come into
// being when they are first named, with a policy that lets in who comes through
// that service alone.
//
// It has no custom key stores, no multi-region keys, no keys of the curves
// secp256k1 and SM2 and no answers to Nitro enclaves: what asks for them is refused
// with the reason.
//
// # Ciphertext of a symmetric key
//
//	1 byte    format, 1
//	6 bytes   account
//	16 bytes  id of the key
//	4 bytes   number of the material
//	16 bytes  salt, random
//	…         AES-256-GCM with the nonce zero, under a key of its own: HKDF-SHA256
//	          of material and salt; the encryption context and all that stands
//	          before are authenticated
//
// # Rows
//
// In generation 0 of the service "kms", in the cell of the key:
//
//	"key" id               → key, JSON
//	"material" id number   → its material, sealed: 32 bytes of a symmetric key, all of an HMAC key, PKCS #8 of others
//	"alias" name           → alias, JSON; the name without "alias/"
//	"named" id name        → nothing: the aliases of a key
//	"grant" id grant       → grant, JSON
//
// and in package timer, one timer each: "kms-delete", "kms-rotate", "kms-expire".
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
package kms
