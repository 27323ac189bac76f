package sagemaker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
)

// maxShards is the maximum size of a table that is divided, because it is stored first. The hub's own limit is smaller.
const maxShards = 1 << 40

// trainFolder is the prefix of the objects with the training data.
const trainFolder = "train"

// uploadShards writes a table of numbers as n objects with as many rows each as possible, so that SageMaker can give each of n
// instances another object: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
func (c *Client) uploadShards(ctx context.Context, p place, t *table, n int) error {
	src, err := t.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	blob, err := t.Store(src, maxShards)
	if err != nil {
		return err
	}
	defer blob.Close()
	if t.rows < n {
		return action.InvalidField(instances.Field, "The result has %d rows, which cannot be divided among %d instances. Choose fewer "+
			"instances.",
			t.rows, n)
	}
	ends, err := shardEnds(io.NewSectionReader(blob, 0, blob.Size()), t.rows, n)
	if err != nil {
		return err
	}
	begin := int64(0)
	for i, end := range ends {
		part := section{t.Data, io.NewSectionReader(blob, begin, end-begin)}
		if err := c.store.Write(ctx, p.account, p.bucket, p.key(fmt.Sprintf("%s/%03d.csv", trainFolder, i)), contentType,
			part); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// shardEnds returns the offsets after the last row of each of n shards. Rows of numbers have no line breaks.
func shardEnds(lines io.Reader, rows, n int) ([]int64, error) {
	r := bufio.NewReader(lines)
	var ends []int64
	offset, row := int64(0), 0
	for {
		part, err := r.ReadSlice('\n')
		offset += int64(len(part))
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // the line goes on
			continue
		case errors.Is(err, io.EOF):
			return ends, nil
		case err != nil:
			return nil, fmt.Errorf("dividing the rows: %w", err)
		}
		if row++; row == rows*(len(ends)+1)/n {
			ends = append(ends, offset)
		}
	}
}

// section is a part of stored data.
type section struct {
	action.Data
	part *io.SectionReader
}

// Open implements [action.Data].
func (s section) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(s.part, 0, s.part.Size())), nil
}
