// Package disk is the one seam between nube and the file system.
//
// Whatever is kept on disk, the store, object bodies and telemetry, is kept
// through an [FS]. A test can then pull the plug on all of it at one instant and
// have any call fail (package disktest). There is no other way to the disk:
// internal packages that write files take an FS.
//
// FS is Pebble's vfs.FS, by alias and not by a copy of the interface: Pebble
// must get the very object, its crashable and faulty implementations are the
// ones that its own tests rely on, and a second interface of some twenty
// methods with adapters in both directions would buy nothing.
package disk

import "github.com/cockroachdb/pebble/v2/vfs"

// FS is a file system.
type FS = vfs.FS

// File is an open file or directory of an FS.
type File = vfs.File

// OS returns the operating system's file system.
func OS() FS { return vfs.Default }

// Mem returns an empty file system in memory, for clouds that keep nothing.
func Mem() FS { return vfs.NewMem() }
