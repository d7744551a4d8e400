// Package ses is Amazon Simple Email Service, both of its API sets, and the
// mailbox in which everything ends that anybody in the cloud sends by mail.
//
// It does not receive mail from outside (receipt rules), and has no contact lists,
// dedicated addresses or deliverability reports: the operations that would make
// them answer that they are not implemented. What becomes of mail is told to
// topics of SNS; other event destinations are refused. Settings about signatures,
// networks and reputation are kept and shown, and change nothing.
//
// # The mailbox
//
// A message is accepted in one transaction: its row, its raw text, what
// statistics count of it and, when a mail server is configured
// ([Options.SMTP]), one effect for each recipient that takes it there, with
// delivery's retries. Without a server mail stays in the mailbox, and only
// there. What the service answers with an id is in the mailbox before the answer
// is; nothing in it is ever lost by a crash.
//
// # How other services send
//
// The service receives delivery's scheme "mailto". Whoever wants to send a mail,
// such as an e-mail subscription of SNS, emits
//
//	delivery.Effect{
//		Target:    email.MailTo("ana@example.com"),
//		Payload:   (&email.Message{From: …, To: …, Subject: …, Date: …, Text: …}).Bytes(),
//		ID:        unique; the mail's id in the mailbox is derived from it and the target
//		SourceARN: on whose behalf: the topic, the subscription
//		Cause, Actor, At, Policy: as in every effect
//	}
//
// The payload is any complete RFC 5322 message of at most 2 MiB, the target one
// address or several (RFC 6068), which need not be those of the message. The mail
// is in the mailbox exactly once, by the commit that ends the effect; a payload
// that is no message is given up at once. The sender is that of the message's
// From field; no identity needs to be verified for it, because the platform
// sends, not an account.
//
// # Senders that are not verified
//
// AWS refuses to send from an address or a domain that was not proved to be the
// account's, and lets accounts that are new send to such addresses only (the
// sandbox). Both protect the world from spam; mail that stays in a mailbox on a
// laptop threatens nobody, and an application whose manifest is complete must
// run when it is started. So by default every sender is accepted, identities
// are verified as soon as somebody registers them, and the account is out of
// the sandbox. What AWS would refuse is not hidden: such a mail is marked
// ([Mail.Unverified]), and `nube mail` says so. With [Options.Verify] senders are
// refused in AWS's words until they are verified: an address by the link in the
// mail that its registration sends to the mailbox, a domain at once, since there
// is no DNS in which a record could be looked up.
//
// # What AWS decides later
//
// A template that does not fit its data is found out after AWS has accepted the
// message, which then never arrives. It is so here too: the answer has an id,
// and the mailbox holds a mail with that id whose [Mail.Failure] says why
// nothing was sent.
//
// Recipients on the suppression list, and the addresses of AWS's mailbox
// simulator, get no mail; the mailbox says what became of each.
//
// Limits that differ: messages are at most 10 MB in both API sets; there are no
// quotas on how much is sent.
//
// https://docs.aws.amazon.com/ses/latest/APIReference/Welcome.html
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/Welcome.html
package ses
