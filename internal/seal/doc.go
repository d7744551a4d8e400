// Package seal is how secrets lie on a disk: in envelopes of XAES-256-GCM under
// a master key that is somewhere else.
//
// The master key opens one envelope only, that of the store's own key, which
// seals everything else. So another master key takes the place of one by sealing
// one envelope anew, whatever the store holds.
//
// An envelope says under which key it is, and is bound to the place where it
// lies by its associated data: what is moved from one row to another does not
// open. It does not say when a key was made, and keeps nothing: where envelopes
// and keys lie is the caller's matter.
//
// # Envelope
//
//	1 byte    format, 2
//	8 bytes   id of the key
//	24 bytes  nonce, random
//	…         ciphertext and tag (XAES-256-GCM, https://c2sp.org/XAES-256-GCM)
//
// The format and the id are authenticated with the associated data.
//
// History: in version 1 the nonce has 12 bytes, and the cipher is AES-256-GCM
// under the key itself. Such envelopes open.
//
// Invariants: no key is ever part of an error's text; a key is not made where one
// was asked for; nonces are random and so long that one key seals as many
// envelopes as there will ever be.
package seal
