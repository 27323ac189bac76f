package teamsincomingwebhook

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/rows"
)

// content is what a card shows of the data: the first rows, an image, or neither.
type content struct {
	titles []string
	rows   [][]string
	// total counts all rows, columns all columns.
	total   int64
	columns int

	// image is a data URL (RFC 2397).
	image string
	// note says what is not shown.
	note string
}

// What is shown of a table at most: more is hard to read in a chat.
const (
	mostRows    = 20
	mostColumns = 10
)

// maxData is past what any spool holds.
const maxData = 1 << 50

// maxImage is the size of the largest image that can fit, as base64.
const maxImage = maxCard / 4 * 3

// show reads the data to its end, so that a card never tells of what broke off.
func show(ctx context.Context, req *action.Request) (content, error) {
	if req.Data.Empty() {
		return content{}, nil
	}
	blob, err := req.Data.Spool(ctx, maxData)
	if err != nil {
		return content{}, err
	}
	defer blob.Close()
	switch mediaType := message.ContentType(req); {
	case mediaType == "text/csv":
		return readTable(blob)
	case mediaType == "image/png" && blob.Size() <= maxImage:
		image, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		if err != nil {
			return content{}, fmt.Errorf("reading the image: %w", err)
		}
		return content{image: "data:image/png;base64," + base64.StdEncoding.EncodeToString(image)}, nil
	case mediaType == "image/png":
		return content{note: imageTooLarge}, nil
	}
	return content{}, nil
}

const imageTooLarge = "The image is too large for a card: it is in Looker."

func readTable(blob action.Blob) (content, error) {
	var c content
	err := rows.EachCSV(blob, func(number int64, record []string) error {
		if number > mostRows {
			c.total = number
			return nil
		}
		cells := make([]string, min(len(record), mostColumns))
		for n := range cells {
			cells[n] = message.Line(record[n])
		}
		if number == 0 {
			c.titles, c.columns = cells, len(record)
			return nil
		}
		c.rows, c.total = append(c.rows, cells), number
		return nil
	})
	return c, err
}

// first is the content with so many rows, and says what is left out.
func (c content) first(rows int) content {
	if len(c.titles) == 0 {
		return c
	}
	hidden := c.columns > len(c.titles)
	switch {
	case c.total == 0:
		c.note = "No rows."
	case rows == 0:
		c.note = fmt.Sprintf("%d rows, which are too long for a card: they are in Looker.", c.total)
	case c.total > int64(rows) && hidden:
		c.note = fmt.Sprintf("The first %d of %d rows and the first %d of %d columns.", rows, c.total, len(c.titles), c.columns)
	case c.total > int64(rows):
		c.note = fmt.Sprintf("The first %d of %d rows.", rows, c.total)
	case hidden:
		c.note = fmt.Sprintf("The first %d of %d columns.", len(c.titles), c.columns)
	}
	c.rows = c.rows[:rows]
	return c
}
