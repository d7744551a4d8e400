package sqs

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// Messages are sealed where they lie whatever their queue says (package sealkv).
// What SSE-KMS adds is that who sends and receives must be able to use the queue's
// key, and that nobody can when the key is disabled or gone.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html

// uses are the uses of keys that KMS was asked for and need not be asked for again
// soon.
type uses struct {
	mu    sync.Mutex
	until map[use]clock.Instant
}

// use is that of a queue's key by somebody: SQS tells callers apart by their
// credentials, and services also by what they act for.
type use struct {
	queue  name
	key    string
	actor  string
	source arn.ARN
	send   bool
}

// maxUses bounds what is kept: others ask again.
const maxUses = 4096

func (u *uses) known(x use, now clock.Instant) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.until[x] > now
}

func (u *uses) keep(x use, now, until clock.Instant) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.until) >= maxUses {
		maps.DeleteFunc(u.until, func(_ use, until clock.Instant) bool { return until <= now })
	}
	if u.until == nil || len(u.until) >= maxUses {
		u.until = map[use]clock.Instant{}
	}
	u.until[x] = until
}

// mayUse asks KMS, as whoever calls, for what a call needs of the queue's key: a
// new data key to send, and to decrypt it; to decrypt one to receive. It is asked
// once in each period in which data keys are used again.
func (s *Service) mayUse(ctx context.Context, q *queue, send bool) error {
	key := q.Attributes["KmsMasterKeyId"]
	if key == "" || s.Caller == nil {
		return nil
	}
	actor := awsapi.From(ctx).Actor
	now, x := s.Clock.Now(), use{queue: q.name, key: key, actor: actor.Account + " " + actor.Principal.String(), source: actor.SourceARN, send: send}
	if s.uses.known(x, now) {
		return nil
	}
	ctx = awsapi.Through(ctx, service)
	bound := map[string]string{"aws:sqs:arn": string(q.arn())}
	var blob []byte
	if send {
		made, err := awsapi.Do(ctx, s.Caller, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{KeyId: &key, KeySpec: ptr("AES_256"), EncryptionContext: bound})
		if err != nil {
			return keyError(err)
		}
		blob = made.CiphertextBlob
	} else {
		err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
			blob, err = snap.Get(q.space.dataKey())
			return err
		})
		if blob == nil || err != nil {
			return err // nothing was ever sent: there is nothing to decrypt
		}
	}
	if _, err := awsapi.Do(ctx, s.Caller, kms.Decrypt, &kms.DecryptRequest{CiphertextBlob: blob, EncryptionContext: bound}); err != nil {
		return keyError(err)
	}
	if send {
		_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
			tx.Set(q.space.dataKey(), blob)
			return nil
		})
		if err != nil {
			return err
		}
	}
	seconds, err := strconv.Atoi(or(q.Attributes["KmsDataKeyReusePeriodSeconds"], "300"))
	if err != nil {
		return err
	}
	s.uses.keep(x, now, now.Add(time.Duration(seconds)*time.Second))
	return nil
}

// keyError is what KMS says, under SQS's codes.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
func keyError(err error) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	code := ""
	switch e.Code {
	case "AccessDenied":
		code = "KmsAccessDenied"
	case "DisabledException":
		code = "KmsDisabled"
	case "NotFoundException":
		code = "KmsNotFound"
	case "KMSInvalidStateException":
		code = "KmsInvalidState"
	case "InvalidKeyUsageException":
		code = "KmsInvalidKeyUsage"
	default:
		return err
	}
	return fault.New(code, "%s", e.Message).Because(err)
}
