package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// trim gives back the memory that only starting needed.
//
// Two hundred packages initialise themselves, and each touches a page or two
// of code and tables of its own. Linux maps sixteen pages around every one that
// is touched (fault-around, of which a program cannot opt out: MADV_RANDOM only
// ends read-ahead), so that most of the binary is resident when the cloud is
// ready: 23 of 29 MB, of which an idle cloud needs 3. Unmapping it costs
// little, since the pages stay in the page cache and sixteen come back with
// each fault, and makes idle memory a figure about what runs instead of about
// how many services are linked in. Rejected: a smaller binary, which each
// service adds to; and leaving it to the kernel, which does the same but only
// when others are short of memory already.
func trim() {
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil && !traced() {
		unmapProgram(maps)
	}
}

// traced reports whether a debugger is attached: it writes its breakpoints
// into pages that would come back without them.
func traced() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err != nil || !bytes.Contains(status, []byte("\nTracerPid:\t0\n"))
}

// unmapProgram drops the pages of the program's own file that nothing ever
// writes to: code and constants. They are read again from the file when they
// are needed (madvise(2), MADV_DONTNEED on a private file mapping).
func unmapProgram(maps []byte) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for s := bufio.NewScanner(bytes.NewReader(maps)); s.Scan(); {
		// address perms offset dev inode pathname: proc_pid_maps(5)
		var from, to uintptr
		var perms string
		if _, err := fmt.Sscanf(s.Text(), "%x-%x %s", &from, &to, &perms); err != nil {
			continue
		}
		if strings.HasSuffix(s.Text(), " "+exe) && strings.HasPrefix(perms, "r-") {
			// The only effect of an error is that memory stays in use.
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}
