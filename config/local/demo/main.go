// Command demo makes a query result like Looker's, and shows one that was delivered.
//
//	demo make ROWS        writes a result to standard output
//	demo show ROWS        reads what arrived, prints its first rows and a summary, and fails
//	                      unless it is the result that "make" wrote, to the byte
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"integrationhub.dev/config/local/result"
)

// maxShownRows keeps the summary on the screen.
const maxShownRows = 5

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: demo make|show ROWS")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the number of rows: %w", err)
	}
	sent := result.New(n).JSON()
	if args[0] == "make" {
		_, err := out.Write(sent)
		return err
	}
	arrived, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading what arrived: %w", err)
	}
	var detail struct {
		Data []map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(arrived, &detail); err != nil {
		return fmt.Errorf("what arrived is no result: %w", err)
	}
	for i, row := range detail.Data[:min(maxShownRows, len(detail.Data))] {
		if _, err := fmt.Fprintf(out, "%5d  %s\n", i+1, result.Line(row)); err != nil {
			return err
		}
	}
	if more := len(detail.Data) - maxShownRows; more > 0 {
		if _, err := fmt.Fprintf(out, "       and %d more rows\n", more); err != nil {
			return err
		}
	}
	if !bytes.Equal(sent, arrived) {
		return fmt.Errorf("%d bytes arrived, and they are not the %d that were sent", len(arrived), len(sent))
	}
	_, err = fmt.Fprintf(out, "%d rows arrived, %d bytes, unchanged.\n", len(detail.Data), len(arrived))
	return err
}
