// Package suggest finds the names that were probably meant by one that does not exist.
package suggest

import (
	"slices"
	"strings"
)

// maxDistance is how many letters a name may differ by, as in cobra.
const maxDistance = 2

// Names returns the known names that are closest to the one given, in order; none where all
// are far from it. A name that goes on where the one given ends is as close as one letter.
func Names(name string, known []string) []string {
	name = strings.ToLower(name)
	var found []string
	closest := maxDistance
	for _, k := range known {
		lower := strings.ToLower(k)
		d := distance(name, lower)
		if len(name) > 2 && strings.HasPrefix(lower, name) {
			d = min(d, 1)
		}
		if d >= len(name) {
			continue // nothing of the name would be left
		}
		if d < closest {
			found, closest = nil, d
		}
		if d == closest {
			found = append(found, k)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Text is ", did you mean a or b?", or "" where nothing is close.
func Text(name string, known []string) string {
	names := Names(name, known)
	if len(names) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(names, " or ") + "?"
}

// distance is Levenshtein's, in bytes: names are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
