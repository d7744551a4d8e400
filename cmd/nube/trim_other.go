//go:build !linux

package main

// trim has nothing to do where pages of the program that are not used any more
// are not counted, or cannot be given back.
func trim() {}
