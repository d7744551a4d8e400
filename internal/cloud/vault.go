package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/seal"
)

// vault seals what services keep secret with a key of the store's own. That key
// lies in the store, sealed under the master key, and is made when the first
// secret is: a cloud without secrets has no master key either, and starts
// without reading one.
//
// A store that has such a key is not opened without the master key that opens
// it; there is never another one made in its place.
type vault struct {
	account string
	db      *kv.DB
	master  func(make bool) (seal.Keys, error)

	making sync.Mutex
	keys   atomic.Pointer[seal.Keys] // nil until there is one
}

// vaultKey is where the store's key lies, in the account's cell without a
// region.
func vaultKey(account string) kv.Key {
	return keyspace.Service(keyspace.Cell{Account: account}, "nube", 0).Key().Str("seal").Done()
}

// bound is what the store's key is bound to.
func (v *vault) bound() []byte { return []byte("store key of account " + v.account) }

// open reads the store's key, if it has one. Under a former master key it is
// sealed anew under the present one.
func (v *vault) open(ctx context.Context) error {
	envelope, err := v.envelope(ctx)
	if err != nil || envelope == nil {
		return err
	}
	master, err := v.master(false)
	if err != nil {
		return err
	}
	return v.take(ctx, envelope, master, master)
}

func (v *vault) envelope(ctx context.Context) (envelope []byte, err error) {
	err = v.db.View(ctx, func(s *kv.Snap) error {
		envelope, err = s.Get(vaultKey(v.account))
		return err
	})
	return envelope, err
}

// take opens the store's key with some keys, and sees to it that it lies under
// the first of others.
func (v *vault) take(ctx context.Context, envelope []byte, with, under seal.Keys) error {
	b, err := with.Open(envelope, v.bound())
	var missing *seal.KeyError
	if errors.As(err, &missing) {
		return fmt.Errorf("the secrets of this store are %w; start with the master key that they were kept with", err)
	}
	if err != nil {
		return fmt.Errorf("the key of the store: %w", err)
	}
	k, err := seal.NewKey(b)
	if err != nil {
		return fmt.Errorf("the key of the store: %w", err)
	}
	if id, err := seal.SealedUnder(envelope); err != nil || id != under[0].ID() {
		if err := v.keep(ctx, under.Seal(b, v.bound())); err != nil {
			return err
		}
	}
	v.keys.Store(&seal.Keys{k})
	return nil
}

func (v *vault) keep(ctx context.Context, envelope []byte) error {
	_, err := v.db.Update(ctx, func(tx *kv.Tx) error {
		tx.Set(vaultKey(v.account), envelope)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping the key of the store: %w", err)
	}
	return nil
}

// Ready sees to it that there is a key. It commits the first time.
func (v *vault) Ready(ctx context.Context) error {
	if v.keys.Load() != nil {
		return nil
	}
	v.making.Lock()
	defer v.making.Unlock()
	if v.keys.Load() != nil {
		return nil
	}
	return v.make(ctx)
}

// Seal returns the envelope of a secret, for a place.
func (v *vault) Seal(ctx context.Context, text, associated []byte) ([]byte, error) {
	return v.AppendSealed(ctx, nil, text, associated)
}

// AppendSealed appends the envelope of a secret.
func (v *vault) AppendSealed(ctx context.Context, dst, text, associated []byte) ([]byte, error) {
	if err := v.Ready(ctx); err != nil {
		return nil, err
	}
	return v.keys.Load().AppendSealed(dst, text, associated), nil
}

// make makes the store's key.
func (v *vault) make(ctx context.Context) error {
	master, err := v.master(true)
	if err != nil {
		return err
	}
	k, err := seal.Generate()
	if err != nil {
		return err
	}
	if err := v.keep(ctx, master.Seal(k.Bytes(), v.bound())); err != nil {
		return err
	}
	v.keys.Store(&seal.Keys{k})
	return nil
}

// Open returns the secret of an envelope.
func (v *vault) Open(_ context.Context, envelope, associated []byte) ([]byte, error) {
	var keys seal.Keys
	if p := v.keys.Load(); p != nil {
		keys = *p
	}
	return keys.Open(envelope, associated)
}

// masterKeyFile is where a cloud keeps the master key that it makes itself.
const masterKeyFile = "master-key"

// masterKey returns the cloud's master key: that of the option, or else one of
// its own, kept in its directory, or for a cloud in memory in no place at all.
// Only where there is nothing yet that it could have sealed is it made.
func (c *Cloud) masterKey(create bool) (seal.Keys, error) {
	if !c.opts.MasterKey.IsZero() {
		return c.opts.MasterKey.Read()
	}
	if c.master != nil {
		return c.master, nil
	}
	var ks seal.Keys
	var err error
	switch {
	case !c.place.temp:
		ks, err = c.ownKey(create)
	case create:
		var k seal.Key
		k, err = seal.Generate()
		ks = seal.Keys{k}
	default:
		err = errors.New("the state has secrets, and this cloud has no master key")
	}
	if err != nil {
		return nil, err
	}
	c.master = ks
	return ks, nil
}

// ownKey reads the master key of the cloud's directory, and makes it if it may.
func (c *Cloud) ownKey(create bool) (seal.Keys, error) {
	fsys, path := c.place.fs, c.place.fs.PathJoin(c.place.dir, masterKeyFile)
	text, err := readFile(fsys, path)
	switch {
	case err == nil:
		ks, err := seal.ParseKeys(string(text))
		if err != nil {
			return nil, fmt.Errorf("master key: %s: %w", path, err)
		}
		return ks, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("master key: %w", err)
	case !create:
		return nil, fmt.Errorf("%s is gone, and the secrets of this store are sealed with it: put it back, or give the key with --master-key", path)
	}
	k, err := seal.Generate()
	if err != nil {
		return nil, err
	}
	if err := c.writeKey(path, k); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return seal.Keys{k}, nil
}

// readFile reads a whole file of a file system.
func readFile(fsys disk.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}

// writeKey writes a key to a file that only its owner can read. It is on the
// disk before anything is sealed with it, whole or not at all.
func (c *Cloud) writeKey(path string, k seal.Key) error {
	fsys, temp := c.place.fs, path+".new"
	f, err := fsys.Create(temp, "master key")
	if err != nil {
		return err
	}
	if c.opts.FS == nil {
		err = os.Chmod(temp, 0o600)
	}
	if err == nil {
		_, err = f.Write([]byte(k.Text() + "\n"))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(fsys, c.place.dir)
}

// travelKey is the master key that a snapshot carries so that other clouds can
// read it: the cloud's own, where the store has secrets. A key that was given is
// for whoever loads the snapshot to give.
func (c *Cloud) travelKey(ctx context.Context) (string, error) {
	v := vault{account: c.opts.Account, db: c.db}
	envelope, err := v.envelope(ctx)
	if err != nil || envelope == nil || !c.opts.MasterKey.IsZero() {
		return "", err
	}
	ks, err := c.masterKey(false)
	if err != nil {
		return "", err
	}
	return ks[0].Text(), nil
}

// reseal puts the secrets of a state that was loaded under this cloud's master
// key. text is the key that came with the state, if one did.
func (c *Cloud) reseal(ctx context.Context, db *kv.DB, text string) error {
	v := vault{account: c.opts.Account, db: db}
	envelope, err := v.envelope(ctx)
	if err != nil || envelope == nil {
		return err
	}
	own, err := c.masterKey(true)
	if err != nil {
		return err
	}
	with := own
	if text != "" {
		carried, err := seal.ParseKeys(text)
		if err != nil {
			return fmt.Errorf("the snapshot's master key: %w", err)
		}
		with = append(carried, own...)
	}
	var missing *seal.KeyError
	if err := v.take(ctx, envelope, with, own); errors.As(err, &missing) {
		return &control.ErrSnapshot{Message: "the snapshot: " + err.Error()}
	} else if err != nil {
		return err
	}
	return nil
}
