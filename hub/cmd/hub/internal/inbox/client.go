package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// Client reads an inbox.
type Client struct{ page *url.URL }

// NewClient reads the inbox that is shown at a page.
func NewClient(page string) (*Client, error) {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("HUB_INBOX_PAGE must be the address that hub serve --dev printed: it begins with http://")
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return &Client{u}, nil
}

// List returns the deliveries after one with an ID, the oldest first; 0 is before all.
func (c *Client) List(ctx context.Context, after int) ([]*Delivery, error) {
	return c.list(ctx, url.Values{"after": {strconv.Itoa(after)}})
}

// Wait is as [Client.List], but waits a while for the next one where there is none.
func (c *Client) Wait(ctx context.Context, after int) ([]*Delivery, error) {
	return c.list(ctx, url.Values{"after": {strconv.Itoa(after)}, "wait": {"1"}})
}

func (c *Client) list(ctx context.Context, query url.Values) ([]*Delivery, error) {
	var list []*Delivery
	err := c.json(ctx, "deliveries.json?"+query.Encode(), &list)
	return list, err
}

// Delivery returns one with its beginning.
func (c *Client) Delivery(ctx context.Context, id int) (Report, error) {
	r := Report{Delivery: &Delivery{}}
	err := c.json(ctx, strconv.Itoa(id)+"/delivery.json", &r)
	return r, err
}

// Body writes one's body as it came.
func (c *Client) Body(ctx context.Context, id int, w io.Writer) error {
	return c.get(ctx, strconv.Itoa(id)+"/body", func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

func (c *Client) json(ctx context.Context, path string, into any) error {
	return c.get(ctx, path, func(body io.Reader) error { return json.NewDecoder(body).Decode(into) })
}

func (c *Client) get(ctx context.Context, path string, read func(io.Reader) error) error {
	address, err := c.page.Parse(path)
	if err != nil {
		return fmt.Errorf("preparing the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("preparing the request: %w", err)
	}
	// No proxy stands before this machine.
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errors.New("the inbox is not responding: check that hub serve --dev is running, and set HUB_INBOX_PAGE to the URL that it prints")
	}
	if err != nil {
		return fmt.Errorf("reading the inbox: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		message, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("the inbox returned an error: %s", strings.TrimSpace(string(message)))
	}
	if err := read(res.Body); err != nil {
		return fmt.Errorf("reading the inbox: %w", err)
	}
	return nil
}
