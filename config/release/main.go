// Command release builds and publishes a release of Integration Hub without a container engine. The same
// commit and version give the same bytes.
//
//	release check [FLAG...]                             say what would make such a build fail, and compile nothing
//	release build -version v0.2.0 -o FOLDER [FLAG...]   build everything into an empty folder
//	release publish -registry HOST/PATH FOLDER          push the images and the chart of a folder
//	release compare FOLDER FOLDER                       fail if two folders differ
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var errUsage = errors.New("usage: release check|build|publish|compare [FLAG...] [FOLDER...]")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "check", "build":
		o := buildFlags(flags)
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if args[0] == "check" {
			_, err := check(ctx, o)
			return err
		}
		return build(ctx, o)
	case "publish":
		o := publishFlags(flags)
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if flags.NArg() != 1 {
			return errors.New("usage: release publish -registry HOST/PATH FOLDER")
		}
		return publish(ctx, o, flags.Arg(0))
	case "compare":
		if len(args) != 3 {
			return errors.New("usage: release compare FOLDER FOLDER")
		}
		return compare(args[1], args[2])
	}
	return errUsage
}

// say reports progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
