// Command process-cluster is a local Kubernetes cluster whose programs and pods are plain
// processes of one user: no root, no namespaces, no containers.
//
//	process-cluster -folder FOLDER -bin BIN up
//	process-cluster -folder FOLDER load ARCHIVE|NAME=PROGRAM...
//	process-cluster -folder FOLDER -bin BIN exec COMMAND...
//	process-cluster -folder FOLDER status|down
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"integrationhub.dev/config/local/process/images"
)

func main() {
	if err := command(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("process-cluster", flag.ExitOnError)
	folder := flags.String("folder", "", "where the cluster keeps everything")
	bin := flags.String("bin", "", "where the programs of the control plane are")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *folder == "" || flags.NArg() == 0 {
		return errors.New("usage: process-cluster -folder FOLDER [-bin BIN] up|load|exec|status|down")
	}
	path, err := filepath.Abs(*folder)
	if err != nil {
		return fmt.Errorf("finding the cluster's folder: %w", err)
	}
	c := cluster{folder: path}
	if c.bin, err = filepath.Abs(*bin); err != nil {
		return fmt.Errorf("finding the programs: %w", err)
	}
	verb, rest := flags.Arg(0), flags.Args()[1:]
	switch verb {
	case "up":
		return c.up(ctx)
	case superviseVerb:
		return c.supervise(ctx)
	case "load":
		store := images.Store{Folder: filepath.Join(c.folder, "images")}
		for _, what := range rest {
			if _, err := store.Load(what); err != nil {
				return err
			}
		}
		return nil
	case "exec":
		return c.exec(rest)
	case "status":
		return c.status()
	case "down":
		return c.down(ctx)
	}
	return fmt.Errorf("unknown verb %q", verb)
}
