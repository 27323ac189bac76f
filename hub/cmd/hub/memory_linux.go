package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// unmapProgram unmaps the pages of the program that nothing needs after the start. The start touches
// most of them once, and the kernel maps their neighbours with them; they would count as the hub's
// memory until the node runs short. What is needed again is mapped from the page cache.
//
// Source: madvise(2), MADV_DONTNEED for a private mapping of a file.
func unmapProgram() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for the program: %w", err)
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("reading the memory map: %w", err)
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		start, end, readOnly := parseMapping(lines.Text(), program)
		if !readOnly { // what was written to is not in the file
			continue
		}
		if _, _, code := syscall.Syscall(syscall.SYS_MADVISE, start, end-start, syscall.MADV_DONTNEED); code != 0 {
			return fmt.Errorf("unmapping the program: %w", code)
		}
	}
	return lines.Err()
}

// parseMapping reads a line of /proc/self/maps, as "00400000-0125b000 r-xp 00000000 fe:00 10822610
// /hub". It reports whether the line is a mapping of the file that cannot be written to.
func parseMapping(line, file string) (start, end uintptr, readOnly bool) {
	var permissions, offset, device, inode, name string
	n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %s %s", &start, &end, &permissions, &offset, &device, &inode, &name)
	return start, end, n == 7 && name == file && strings.HasPrefix(permissions, "r-") && strings.HasSuffix(permissions, "p")
}
