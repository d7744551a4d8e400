//go:build amd64 || arm64

package sandbox

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// markerKey names the variable by which processes that left their family and
// session are recognised where neither control groups nor an own user tell.
const markerKey = "NUBE_SANDBOX"

// procStat is what a process's line in /proc/<pid>/stat says, see
// proc_pid_stat(5).
type procStat struct {
	pid, ppid, session int
	ended              bool   // it has no memory any more, and so runs no program
	start              uint64 // in clock ticks since boot
}

// parseStat reads a line of /proc/<pid>/stat. The command, in parentheses, may
// itself contain blanks and parentheses.
func parseStat(line string) (procStat, bool) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 1 || end < open {
		return procStat{}, false
	}
	f := strings.Fields(line[end+1:])
	if len(f) < 21 {
		return procStat{}, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(line[:open]))
	ppid, err2 := strconv.Atoi(f[1])
	session, err3 := strconv.Atoi(f[3])
	start, err4 := strconv.ParseUint(f[19], 10, 64)
	size, err5 := strconv.ParseUint(f[20], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil {
		return procStat{}, false
	}
	return procStat{pid, ppid, session, size == 0 || f[0] == "Z" || f[0] == "X", start}, true
}

// readStat reads a process's line. It is asked of every process on the machine
// when a family is looked for, so it makes no more calls than it must.
func readStat(pid int) (procStat, bool) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return procStat{}, false
	}
	var buf [1024]byte // 52 numbers and a name of 15 characters
	n, err := unix.Read(fd, buf[:])
	unix.Close(fd)
	if err != nil {
		return procStat{}, false
	}
	return parseStat(string(buf[:n]))
}

// family finds a tree's living processes without control groups: the
// descendants of root, the members of its session, and those that started
// later and carry its marker. A process that changed its session, lost its
// parent and its environment is not found.
func family(root procStat, marker string) []int {
	var all []procStat
	for _, pid := range pids() {
		if st, ok := readStat(pid); ok && !st.ended && st.start >= root.start {
			all = append(all, st)
		}
	}
	in := map[int]bool{root.pid: true}
	for grown := true; grown; {
		grown = false
		for _, st := range all {
			if !in[st.pid] && (in[st.ppid] || st.session == root.pid) {
				in[st.pid], grown = true, true
			}
		}
		if grown {
			continue
		}
		for _, st := range all {
			if !in[st.pid] && hasMarker(st.pid, marker) {
				in[st.pid], grown = true, true
			}
		}
	}
	var out []int
	for _, st := range all {
		if in[st.pid] {
			out = append(out, st.pid)
		}
	}
	return out
}

// marked finds the processes that carry a marker beginning with prefix.
func marked(prefix string) []int {
	var out []int
	for _, pid := range pids() {
		if hasMarker(pid, prefix) {
			out = append(out, pid)
		}
	}
	return out
}

// hasMarker looks into the environment that a process started with. That of
// other users cannot be read, and they have none of ours.
func hasMarker(pid int, prefix string) bool {
	want := markerKey + "=" + prefix
	for e := range strings.SplitSeq(readFile("/proc/"+strconv.Itoa(pid)+"/environ"), "\x00") {
		if strings.HasPrefix(e, want) {
			return true
		}
	}
	return false
}

// pids lists the processes that this process can see.
func pids() []int {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1) // /proc lists what it can
	var out []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// ofUser finds the processes of a user that only one tree runs as.
func ofUser(uid int) []int {
	var out []int
	for _, pid := range pids() {
		var st unix.Stat_t
		if unix.Stat("/proc/"+strconv.Itoa(pid), &st) != nil || int(st.Uid) != uid {
			continue
		}
		if s, ok := readStat(pid); ok && !s.ended {
			out = append(out, pid)
		}
	}
	return out
}
