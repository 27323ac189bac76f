// Package rows holds what several integrations do with the rows of a query's result: opening and
// converting them, reading CSV or a column of IDs, encoding rows as JSON, reporting how many were
// delivered, and saying why the destination rejected some.
package rows
