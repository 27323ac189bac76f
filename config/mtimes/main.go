// Command mtimes gives the files and folders of a checkout modification times that depend on nothing but
// their content. Go's test cache identifies what a test read by size and time, so without this each new
// checkout and each "make generate", which write the same content anew, have most tests run again.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// unread are folders that no test reads, although it may see them in a listing. Git and builds change them. What
// is in them keeps its times: a cache drops what looks old.
var unread = []string{".git", ".cache", "bin"}

func main() {
	flag.Parse()
	if err := run(context.Background(), flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "mtimes:", err)
		os.Exit(1)
	}
}

// run sets the times below the root of a checkout.
func run(ctx context.Context, root string) error {
	args := []string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."}
	for _, name := range unread {
		args = append(args, ":(exclude,top)"+name)
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = root
	list, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("listing files: %w", err)
	}
	folders := map[string][]string{}
	for name := range bytes.SplitSeq(list, []byte{0}) {
		if len(name) == 0 {
			continue
		}
		sum, err := setFileTime(root, string(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			return err
		}
		entry := string(name) + " " + string(sum[:])
		for folder := path.Dir(string(name)); ; folder = path.Dir(folder) {
			folders[folder] = append(folders[folder], entry)
			if folder == "." {
				break
			}
		}
	}
	for folder, entries := range folders {
		slices.Sort(entries)
		if err := setTime(filepath.Join(root, folder), sha256.Sum256([]byte(strings.Join(entries, "\n")))); err != nil {
			return err
		}
	}
	// Git then has no reason to write its index later, and its folder with that. Files that differ from the
	// index, which make this fail, do not matter.
	refresh := exec.CommandContext(ctx, "git", "update-index", "-q", "--refresh")
	refresh.Dir = root
	_ = refresh.Run()
	for _, name := range unread {
		if err := setTime(filepath.Join(root, name), [sha256.Size]byte{}); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// setFileTime sets the time of a file, unless it changes meanwhile, and returns its hash.
func setFileTime(root, name string) (sum [sha256.Size]byte, err error) {
	full := filepath.Join(root, name)
	before, err := os.Lstat(full)
	if err != nil {
		return sum, err //nolint:wrapcheck // it names the file
	}
	if !before.Mode().IsRegular() {
		return sum, nil // a symbolic link has no time of its own
	}
	file, err := os.Open(full)
	if err != nil {
		return sum, err //nolint:wrapcheck // it names the file
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return sum, fmt.Errorf("reading %s: %w", name, err)
	}
	hash.Sum(sum[:0])
	if after, err := file.Stat(); err != nil || !after.ModTime().Equal(before.ModTime()) || after.Size() != before.Size() {
		return sum, err //nolint:wrapcheck // it names the file
	}
	return sum, setTime(full, sum)
}

// setTime sets a time of the years 2001 to 2018, to the nanosecond.
func setTime(name string, sum [sha256.Size]byte) error {
	seconds := int64(1e9) + int64(binary.BigEndian.Uint32(sum[:])>>3)
	nanoseconds := int64(binary.BigEndian.Uint32(sum[4:]) % 1e9)
	t := time.Unix(seconds, nanoseconds)
	return os.Chtimes(name, t, t) //nolint:wrapcheck // it names the file
}
