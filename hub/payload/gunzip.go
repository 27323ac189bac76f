package payload

import (
	"compress/gzip"
	"errors"
	"io"

	"integrationhub.dev/hub/action"
)

// The hub does not request compression, but Looker's object stores may send compressed results.
// Results compress to a tenth or a fiftieth. Only a decompression bomb reaches a thousandth.
const (
	maxRatio = 200
	// ratioFrom is the decompressed size from which the ratio is checked.
	ratioFrom = 16 << 20
)

// gunzip decompresses a download. Closing it closes the source.
type gunzip struct {
	source  io.ReadCloser
	in, out int64
	gzip    *gzip.Reader
}

func newGunzip(source io.ReadCloser) io.ReadCloser { return &gunzip{source: source} }

// Read implements [io.Reader].
func (g *gunzip) Read(p []byte) (int, error) {
	if g.gzip == nil {
		z, err := gzip.NewReader(countingReader{g.source, &g.in})
		if err != nil {
			return 0, g.explain(endOfInput(err))
		}
		g.gzip = z
	}
	n, err := g.gzip.Read(p)
	g.out += int64(n)
	if g.out > ratioFrom && g.out > g.in*maxRatio {
		return 0, action.Errorf(action.TooLarge,
			"The download from Looker is compressed to less than 1/%d of its size, which the hub does not accept.", maxRatio)
	}
	return n, g.explain(err)
}

func (g *gunzip) explain(err error) error {
	if _, ok := errors.AsType[*action.Error](err); ok { // the source says already why it ended
		return err
	}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return action.Wrap(err, action.Unavailable, "The download from Looker is not valid gzip.")
	}
	return err
}

// Close implements [io.Closer].
func (g *gunzip) Close() error { return g.source.Close() }

type countingReader struct {
	io.Reader
	n *int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}
