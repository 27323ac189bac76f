package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	vkslog "github.com/virtual-kubelet/virtual-kubelet/log/slog"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"integrationhub.dev/config/local/process/controlplane"
	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/node"
)

// shutdownGrace is how long pods may take to end when the cluster goes down. A hub first
// waits ten seconds for load balancers, as it does in every cluster.
const shutdownGrace = 15 * time.Second

// supervise runs the whole cluster until it is told to end.
func (c cluster) supervise(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	lock, err := os.OpenFile(c.file("lock"), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("locking the cluster: %w", err)
	}
	defer lock.Close() // held until everything has ended
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("locking the cluster: %w", err)
	}
	if _, err := lock.WriteString(strconv.Itoa(os.Getpid())); err != nil {
		return fmt.Errorf("locking the cluster: %w", err)
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	log.L = vkslog.FromSlog(logger)

	block, err := network.Claim(c.folder)
	if err != nil {
		return err
	}
	defer block.Close()
	plane, err := controlplane.New(c.folder, c.bin, block, logger)
	if err != nil {
		return err
	}
	defer plane.Stop(5 * time.Second)
	if err := errors.Join(plane.StartStore(), plane.StartAPI()); err != nil {
		return err
	}
	client, err := plane.Client()
	if err != nil {
		return err
	}
	startup, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := plane.AwaitAPI(startup, client); err != nil {
		return err
	}
	if err := plane.StartControllers(); err != nil {
		return err
	}
	n, closeProxy, err := c.network(plane, block, client, logger)
	if err != nil {
		return err
	}
	defer closeProxy()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	if err := c.ready(startup, n, client); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	logger.InfoContext(ctx, "the cluster is up")
	return <-ended
}

// network starts the proxy, for the API server and for pods, and makes the node.
func (c cluster) network(
	plane *controlplane.Plane, block *network.Block, client kubernetes.Interface, logger *slog.Logger,
) (*node.Node, func(), error) {
	config, err := plane.ServerTLS()
	if err != nil {
		return nil, nil, err
	}
	kubelet, err := block.Node()
	if err != nil {
		return nil, nil, err
	}
	forPods, err := block.Node()
	if err != nil {
		return nil, nil, err
	}
	api, err := plane.APIServer()
	if err != nil {
		return nil, nil, err
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return nil, nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	token := rand.Text()
	n, err := node.New(node.Config{
		Client: client, Folder: c.folder, Block: block, Listener: kubelet, TLS: config, APIServer: api, Version: version.GitVersion,
		ProxyAddress: forPods.Addr().String(), ProxyToken: token, Grace: shutdownGrace, Log: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(c.file("proxy"), []byte(network.URL(forPods.Addr().String(), token)), 0o600); err != nil {
		return nil, nil, fmt.Errorf("writing the proxy's address: %w", err)
	}
	serve := func(l net.Listener, token string) *http.Server {
		s := &http.Server{
			Handler: &network.Proxy{Translate: n.Translate(), Token: token, Log: logger}, ReadHeaderTimeout: 30 * time.Second,
			// CONNECT is HTTP/1.1's.
			TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
			ErrorLog:     slog.NewLogLogger(logger.Handler(), slog.LevelInfo),
		}
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				logger.Error("serving the proxy", "error", err)
			}
		}()
		return s
	}
	a := serve(tls.NewListener(plane.ProxyListener(), config.Clone()), "")
	b := serve(forPods, token)
	return n, func() { _, _ = a.Close(), b.Close() }, nil
}

// ready waits until pods can be made, and says so.
func (c cluster) ready(ctx context.Context, n *node.Node, client kubernetes.Interface) error {
	select {
	case <-n.Ready():
	case <-ctx.Done():
		return fmt.Errorf("waiting for the node: %w", ctx.Err())
	}
	for {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the default service account; see %s: %w", filepath.Join(c.folder, "log/kube-controller-manager.log"), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := os.WriteFile(c.file("complete"), nil, 0o600); err != nil {
		return fmt.Errorf("saying that the cluster is up: %w", err)
	}
	return nil
}
