package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// badStore is a real S3-compatible server behind a network that fails on demand. Each object's
// name is that of its delivery.
type badStore struct {
	client  *s3.Client // that meets no faults
	server  *http.Server
	forward *httputil.ReverseProxy
	url     string
	stop    func()

	mu     sync.Mutex
	faults map[string]string // by delivery
	met    map[string]int    // requests of a delivery
}

func (s *site) startBadStore(ctx context.Context, program string) (*badStore, error) {
	endpoint, stop, err := s.startGateway(ctx, program)
	if err != nil {
		return nil, err
	}
	b := &badStore{client: newStore(endpoint), stop: stop, faults: map[string]string{}, met: map[string]int{}}
	if err := makeBucket(ctx, b.client); err != nil {
		stop()
		return nil, err
	}
	target, err := url.Parse(endpoint)
	if err != nil {
		stop()
		return nil, err
	}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorLog: quiet,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler)
		},
	}
	b.server = &http.Server{Handler: b, ErrorLog: quiet} //nolint:gosec // no strangers here
	listener, address, err := listen(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	b.url = "http://" + address
	go func() { _ = b.server.Serve(listener) }() // ends with close
	return b, nil
}

func (b *badStore) close() {
	_ = b.server.Close()
	b.stop()
}

// meet counts a request of a delivery, and says what is wrong and whether it has passed: seven
// of ten faults pass with the second request, so that a hub that tries again can deliver.
func (b *badStore) meet(id string) (fault string, passed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.met[id]++
	return b.faults[id], b.met[id] > 2 && !strings.ContainsAny(id[len(id)-1:], "123")
}

// ServeHTTP passes a request on, but for what its delivery's fault makes of it.
func (b *badStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSuffix(path.Base(r.URL.Path), path.Ext(r.URL.Path))
	fault, passed := b.meet(id)
	switch {
	case passed || fault == "" || r.Method == http.MethodDelete: // what is given up can always be cleared away
		b.forward.ServeHTTP(w, r)
	case fault == faultStatus:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
	case fault == faultLate:
		b.forward.ServeHTTP(blackHole{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case r.Method == http.MethodPut: // reset or stall, which need a body
		_, _ = io.CopyN(io.Discard, r.Body, 100)
		if fault == faultStall {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	default:
		b.forward.ServeHTTP(w, r)
	}
}

// blackHole is an answer that nobody gets.
type blackHole struct{ header http.Header }

func (b blackHole) Header() http.Header       { return b.header }
func (blackHole) Write(p []byte) (int, error) { return len(p), nil }
func (blackHole) WriteHeader(int)             {}

func (b *badStore) environment() map[string]string {
	return map[string]string{"AMAZON_S3_ENDPOINT": b.url}
}

// address makes a delivery go here.
func (b *badStore) address(d *delivery, fault string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[d.id] = fault
	d.integration = "amazon_s3"
	d.params = map[string]string{"access_key_id": accessKey, "secret_access_key": secretKey, "region": region}
	d.form = map[string]string{"bucket": bucket, "filename": d.id + ".bin"}
}

func (b *badStore) saw(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.met[id] > 0
}

// arrived returns what came of a delivery, of which the hub said that it failed or not, and
// forgets it. A store keeps one object however often it is sent.
func (b *badStore) arrived(ctx context.Context, id string, failed bool) ([]arrival, error) {
	b.mu.Lock()
	fault := b.faults[id]
	delete(b.faults, id)
	delete(b.met, id)
	b.mu.Unlock()
	key := id + ".bin"
	got, err := fetch(ctx, b.client, key)
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := arrival{digest: got, whole: true, status: http.StatusOK}
	if fault == faultLate && failed {
		a.status = 0 // the hub was never told that the object is there
	}
	_, err = b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key})
	return []arrival{a}, err
}

// left returns the deliveries of which parts lie about in the store. An upload without parts
// costs nobody anything, and is what stays where the answer to its beginning is lost: without
// the answer the hub does not know its name, and by its key it could be another delivery's.
func (b *badStore) left(ctx context.Context) ([]string, error) {
	var ids []string
	pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the uploads that are not complete: %w", err)
		}
		for _, u := range page.Uploads {
			parts, err := b.client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(bucket), Key: u.Key, UploadId: u.UploadId})
			if err != nil {
				return nil, fmt.Errorf("listing the parts of an upload: %w", err)
			}
			if len(parts.Parts) > 0 {
				ids = append(ids, strings.TrimSuffix(aws.ToString(u.Key), ".bin"))
			}
		}
	}
	return ids, nil
}
