// Package iam is AWS Identity and Access Management: users, groups, roles,
// managed and inline policies, access keys, and the sessions that stand for a
// role. It is also where the front door of all services learns who signed a
// request and what that principal may do ([Service.Key], [Service.Policies]).
//
// It does not evaluate policies (package policy does) and enforces nothing
// (package awsapi does). It has no console passwords, MFA devices, SAML or
// OpenID providers.
//
// Invariants: an entity, its inline policies and its attachments are one
// record, changed in one transaction; every change signals one topic, by which
// the compiled policies in memory are thrown away; a session is nowhere in the
// store: its token carries it, sealed with the account's master key, so a
// function's cold start costs no write.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
package iam
