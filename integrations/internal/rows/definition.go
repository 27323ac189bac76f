package rows

import "integrationhub.dev/hub/action"

// Definition completes the definition of an integration that works on the rows of a query. Looker
// offers it for queries only, and sends values as the database has them: a destination must not get
// numbers and dates in the format of a dashboard.
func Definition(d action.Definition) action.Definition {
	d.Types = []action.Type{action.TypeQuery}
	d.Formattings = []action.Formatting{action.Unformatted}
	d.VisFormattings = []action.VisFormatting{action.NoApply}
	return d
}
