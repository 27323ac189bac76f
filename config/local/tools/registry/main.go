// Command registry serves a container registry on this machine, for tests of a release: CNCF Distribution with
// nothing but files as its storage.
//
//	registry ADDRESS FOLDER
//
// It prints the address once it listens, so that port 0 can be used, and ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: registry ADDRESS FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(address, folder string) error {
	logrus.SetLevel(logrus.FatalLevel) // a question for what is not there is an error to it
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	config := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": {"rootdirectory": folder}},
	}
	config.Log.AccessLog.Disabled = true
	server := &http.Server{Handler: handlers.NewApp(context.Background(), config), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}
