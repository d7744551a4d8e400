// Package watch tells when files have changed.
//
// A [Watcher] is given paths: files, also ones that are not there yet, and
// directories, of which it watches the names. It watches the directories around
// them, because editors save by writing another file and giving it the name,
// and waits until nothing has happened for a moment, because saving is several
// events and checking out a branch is thousands. What it says is a hint: who
// hears it looks whether the content differs.
//
// It is not recursive and reads no file's content.
//
// Invariant: a change of a watched path after [Watcher.Watch] has returned is
// followed by a value from [Watcher.Changes]; several may share one.
package watch
