// Package rows holds what several integrations do with the rows of a query's result: reading CSV
// or a column of IDs, encoding rows as JSON, and saying why the destination rejected some.
package rows
