//go:build !linux

package main

// unmapProgram does nothing: hubs run on Linux, other systems are for developers.
func unmapProgram() error { return nil }
