package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0
)

// archRefused lists calls that only this machine has.
func archRefused() []uintptr { return []uintptr{unix.SYS_KEXEC_FILE_LOAD} }
