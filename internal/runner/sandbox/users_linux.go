//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"strconv"
	"strings"
	"sync"
)

// users is the range of user ids that a Host's processes run as, one each. Its
// place follows from the Host's directory, so that two Hosts on a machine
// hardly ever share it.
type users struct{ first, size int }

// userRange is the size of a Host's range, and so the most processes at once.
const userRange = 1024

var errNoUsers = errors.New("the user namespace has no spare user ids")

// chooseUsers picks a range from the ids that this process may use. On a whole
// machine that is one that systemd leaves to nobody
// (https://systemd.io/UIDS-GIDS/). A container usually has 65,536 ids; there
// it is the end of the range for short-lived users of services.
func chooseUsers(uidMap string, seed uint32) (users, error) {
	const (
		wideFirst, wideRanges     = 1_900_000_000, 100_000
		narrowFirst, narrowRanges = 62_000, 3
	)
	top := 0 // ids below it are mapped from 0 on
	for line := range strings.Lines(uidMap) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "0" {
			top, _ = strconv.Atoi(f[2]) // the kernel's own number
		}
	}
	switch {
	case top >= wideFirst+wideRanges*userRange:
		return users{wideFirst + int(seed%wideRanges)*userRange, userRange}, nil
	case top >= narrowFirst+narrowRanges*userRange:
		return users{narrowFirst + int(seed%narrowRanges)*userRange, userRange}, nil
	default:
		return users{}, errNoUsers
	}
}

// userPool hands out the ids of a range, lowest first, because those have
// names.
type userPool struct {
	users
	mu   sync.Mutex
	used []bool
}

func (p *userPool) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.size {
		if i == len(p.used) {
			p.used = append(p.used, false)
		}
		if !p.used[i] {
			p.used[i] = true
			return p.first + i, nil
		}
	}
	return 0, errors.New("all user ids are in use: too many processes at once")
}

// put gives an id back, once no process of it is left.
func (p *userPool) put(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[id-p.first] = false
}
