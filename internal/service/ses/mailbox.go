package ses

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Query says which mails are wanted. Its zero value means all.
type Query struct {
	To      string // part of an address to which it went
	From    string // part of who sent it
	Subject string // part of its subject
	Since   clock.Instant
	Newest  int // no more than the last so many; 0: all
}

// matches reports whether a mail is wanted. Case does not matter.
func (q Query) matches(m *Mail) bool {
	has := func(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }
	return m.At >= q.Since && has(m.From, q.From) && has(m.Subject, q.Subject) &&
		(q.To == "" || slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return has(r.Address, q.To) }))
}

// ErrNoMail is returned for a mail that is not in the mailbox.
var ErrNoMail = errors.New("there is no such mail")

// Mails returns the mails of a cell, in the order in which they were accepted.
func (s *Service) Mails(ctx context.Context, c keyspace.Cell, q Query) ([]Mail, error) {
	sp := spaceOf(c)
	out := []Mail{}
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		out = out[:0]
		for p, err := range snap.Scan(sp.mails(), kv.ScanOptions{Reverse: true}) {
			if err != nil {
				return err
			}
			m, ok, err := read(snap, sp, p, q)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, m)
			}
			if q.Newest > 0 && len(out) == q.Newest {
				break
			}
		}
		return nil
	})
	slices.Reverse(out)
	return out, err
}

// read reads the row of a mail, and reports whether it is wanted.
func read(snap *kv.Snap, sp space, p kv.Pair, q Query) (m Mail, ok bool, err error) {
	if err := jsonrow.Decode(p.Key, p.Value, &m); err != nil || !q.matches(&m) {
		return m, false, err
	}
	return m, true, m.progress(snap, sp)
}

// mails reads the mails after a stamp, and returns the last stamp that it has
// seen.
func mails(snap *kv.Snap, sp space, after kv.Stamp, q Query) (out []Mail, last kv.Stamp, err error) {
	r := sp.mails()
	if last = after; !after.IsZero() {
		r.Start = kv.Next(sp.mail(after))
	}
	for p, err := range snap.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return nil, last, err
		}
		d := sp.Decode(p.Key)
		d.Str()
		last = d.Stamp()
		if err := d.Done(); err != nil {
			return nil, last, err
		}
		m, ok, err := read(snap, sp, p, q)
		if err != nil {
			return nil, last, err
		}
		if ok {
			out = append(out, m)
		}
	}
	return out, last, nil
}

// progress puts in what became of the mail at the mail server.
func (m *Mail) progress(snap *kv.Snap, sp space) error {
	if !slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return r.State == Queued }) {
		return nil
	}
	for p, err := range snap.Scan(sp.out(m.ID), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		var r Recipient
		if err := jsonrow.Decode(p.Key, p.Value, &r); err != nil {
			return err
		}
		for i := range m.Recipients {
			if m.Recipients[i].Address == r.Address {
				m.Recipients[i] = r
			}
		}
	}
	return nil
}

// Mail returns a mail with its text. It fails with [ErrNoMail] for one that is
// not there.
func (s *Service) Mail(ctx context.Context, c keyspace.Cell, id string) (m Mail, raw []byte, err error) {
	sp := spaceOf(c)
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		at, found, err := find(snap, sp, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoMail
		}
		if found, err = jsonrow.Get(snap, sp.mail(at), &m); err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("ses: mail %s has no row at %s", id, at)
		}
		if raw, err = pieces(snap, sp, id); err != nil {
			return err
		}
		return m.progress(snap, sp)
	})
	return m, raw, err
}

// raw returns the text of a mail.
func (s *Service) raw(ctx context.Context, c keyspace.Cell, id string) (raw []byte, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		_, found, err := find(snap, spaceOf(c), id)
		if err == nil && !found {
			err = ErrNoMail
		}
		if err == nil {
			raw, err = pieces(snap, spaceOf(c), id)
		}
		return err
	})
	return raw, err
}

// scanner is a transaction or a snapshot.
type scanner interface {
	Scan(r kv.Range, o kv.ScanOptions) iter.Seq2[kv.Pair, error]
}

// find returns where the row of a mail is.
func find(g scanner, sp space, id string) (at kv.Stamp, found bool, err error) {
	for p, err := range g.Scan(sp.id(id), kv.ScanOptions{Limit: 1}) {
		if err != nil {
			return at, false, err
		}
		d := sp.Decode(p.Key)
		d.Str()
		d.Str()
		at = d.Stamp()
		if err := d.Done(); err != nil {
			return at, false, err
		}
		if len(p.Value) != 2 {
			return at, false, fmt.Errorf("ses: row %s: %d bytes", p.Key, len(p.Value))
		}
		return at.At(binary.BigEndian.Uint16(p.Value)), true, nil
	}
	return at, false, nil
}

// pieces returns the text of a mail.
func pieces(snap *kv.Snap, sp space, id string) (raw []byte, err error) {
	for p, err := range snap.Scan(sp.raw(id), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		raw = append(raw, p.Value...)
	}
	return raw, nil
}

// Follow returns the mails that match: those that are there, and then those that
// come, until ctx ends or the consumer stops.
func (s *Service) Follow(ctx context.Context, c keyspace.Cell, q Query) iter.Seq2[Mail, error] {
	sp := spaceOf(c)
	return func(yield func(Mail, error) bool) {
		w := s.DB.Watch(sp.arrived())
		defer w.Close()
		var last kv.Stamp
		for {
			var found []Mail
			err := s.DB.View(ctx, func(snap *kv.Snap) error {
				var err error
				found, last, err = mails(snap, sp, last, q)
				return err
			})
			if err != nil {
				yield(Mail{}, err)
				return
			}
			for _, m := range found {
				if !yield(m, nil) {
					return
				}
			}
			select {
			case <-w.C():
			case <-ctx.Done():
				yield(Mail{}, ctx.Err())
				return
			}
		}
	}
}

// DeleteMail takes a mail out of the mailbox. What is on its way to the mail
// server and was not sent yet will not be.
func (s *Service) DeleteMail(ctx context.Context, c keyspace.Cell, id string) error {
	sp := spaceOf(c)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		at, found, err := find(tx, sp, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoMail
		}
		tx.Delete(sp.mail(at))
		for _, r := range []kv.Range{sp.id(id), sp.raw(id), sp.out(id)} {
			tx.DeleteRange(r)
		}
		return nil
	})
	return err
}

// DeleteMails empties the mailbox.
func (s *Service) DeleteMails(ctx context.Context, c keyspace.Cell) error {
	sp := spaceOf(c)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		for _, r := range []kv.Range{sp.mails(), sp.ids(), sp.raws(), sp.outs()} {
			tx.DeleteRange(r)
		}
		return nil
	})
	return err
}
