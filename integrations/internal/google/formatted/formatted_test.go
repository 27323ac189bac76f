package formatted_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/integrations/internal/google/formatted"
)

func TestColumn(t *testing.T) {
	t.Parallel()
	type column struct {
		Values []string // what a spreadsheet stores; text is in quotes
		Format formatted.Format
	}
	for name, tt := range map[string]struct {
		texts []string
		want  column
	}{
		"dollars":                {[]string{"$1,234.50", "-$3", "$0.5"}, column{[]string{"1234.50", "-3", "0.5"}, formatted.Format{Type: "CURRENCY", Pattern: `"$"#,##0.00`}}},
		"sign after the unit":    {[]string{"$-1,234", "$5"}, column{[]string{"-1234", "5"}, formatted.Format{Type: "CURRENCY", Pattern: `"$"#,##0`}}},
		"euros, continental":     {[]string{"€1.234,50", "€2.000"}, column{[]string{"1234.50", "2000"}, formatted.Format{Type: "CURRENCY", Pattern: `"€"#,##0.00`}}},
		"euros behind":           {[]string{"1 234,50 €", "-7,00 €"}, column{[]string{"1234.50", "-7.00"}, formatted.Format{Type: "CURRENCY", Pattern: `#,##0.00" €"`}}},
		"currency code":          {[]string{"USD 12.30", "USD 1"}, column{[]string{"12.30", "1"}, formatted.Format{Type: "CURRENCY", Pattern: `"USD"0.00`}}},
		"thousands":              {[]string{"1,234", "12", "0"}, column{[]string{"1234", "12", "0"}, formatted.Format{Type: "NUMBER", Pattern: "#,##0"}}},
		"percent":                {[]string{"45.0%", "5%", "-0.25%", "120%", "0"}, column{[]string{"0.450", "0.05", "-0.0025", "1.20", "0"}, formatted.Format{Type: "PERCENT", Pattern: "0.00%"}}},
		"accounting":             {[]string{"(1,200)", "5"}, column{[]string{"-1200", "5"}, formatted.Format{Type: "NUMBER", Pattern: "#,##0;(#,##0)"}}},
		"accounting in dollars":  {[]string{"($1,200.50)", "$3"}, column{[]string{"-1200.50", "3"}, formatted.Format{Type: "CURRENCY", Pattern: `"$"#,##0.00;("$"#,##0.00)`}}},
		"plus and minus":         {[]string{"+5", "-5", "+1,000,000"}, column{[]string{"5", "-5", "1000000"}, formatted.Format{Type: "NUMBER", Pattern: "#,##0"}}},
		"decimal comma":          {[]string{"1,5", "2,75"}, column{[]string{"1.5", "2.75"}, formatted.Format{Type: "NUMBER", Pattern: "0.00"}}},
		"minutes":                {[]string{"2024-01-31 12:00", "2024-02-01 00:00"}, column{[]string{"45322.5", "45323"}, formatted.Format{Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm"}}},
		"months":                 {[]string{"2024-01", "2024-02"}, column{[]string{"45292", "45323"}, formatted.Format{Type: "DATE", Pattern: "yyyy-mm"}}},
		"days and times":         {[]string{"2024-01-31", "2024-01-31 12:00:00"}, column{[]string{"45322", "45322.5"}, formatted.Format{Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm:ss"}}},
		"times and days":         {[]string{"2024-01-31 12:00:00", "2024-01-31"}, column{[]string{"45322.5", "45322"}, formatted.Format{Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm:ss"}}},
		"dates in words":         {[]string{"May 2, 2024", "Jun 3, 2024"}, column{[]string{"45414", "45446"}, formatted.Format{Type: "DATE", Pattern: "mmm d, yyyy"}}},
		"dates in words, turned": {[]string{"Jun 3, 2024", "May 2, 2024"}, column{[]string{"45446", "45414"}, formatted.Format{Type: "DATE", Pattern: "mmm d, yyyy"}}},
		"months in words":        {[]string{"January 2024", "", "March 2024"}, column{[]string{"45292", "", "45352"}, formatted.Format{Type: "DATE", Pattern: "mmmm yyyy"}}},
		"truth":                  {[]string{"TRUE", "false", ""}, column{Values: []string{"true", "false", ""}}},

		"plain numbers":             {[]string{"1", "-2.5"}, column{Values: []string{`"1"`, `"-2.5"`}}},
		"nothing":                   {[]string{"", ""}, column{Values: []string{"", ""}}},
		"one is text":               {[]string{"$1.50", "n/a"}, column{Values: []string{`"$1.50"`, `"n/a"`}}},
		"two currencies":            {[]string{"$1", "€1"}, column{Values: []string{`"$1"`, `"€1"`}}},
		"percent and none":          {[]string{"50%", "50"}, column{Values: []string{`"50%"`, `"50"`}}},
		"both orders of separators": {[]string{"$1,234.50", "$1.234,50"}, column{Values: []string{`"$1,234.50"`, `"$1.234,50"`}}},
		"a thousand or a fraction":  {[]string{"€1.234", "€2.345"}, column{Values: []string{`"€1.234"`, `"€2.345"`}}},
		"leading zeros":             {[]string{"$1", "007"}, column{Values: []string{`"$1"`, `"007"`}}},
		"phone numbers":             {[]string{"+15551234567"}, column{Values: []string{`"+15551234567"`}}},
		"too many digits":           {[]string{"1,234,567,890,123,456"}, column{Values: []string{`"1,234,567,890,123,456"`}}},
		"groups of two":             {[]string{"$1,23,456"}, column{Values: []string{`"$1,23,456"`}}},
		"formulas":                  {[]string{"=1+1", "+1+1", "@SUM(A1)", "-1+cmd|' /C calc'!A0"}, column{Values: []string{`"=1+1"`, `"+1+1"`, `"@SUM(A1)"`, `"-1+cmd|' /C calc'!A0"`}}},
		"half in parentheses":       {[]string{"(1,200"}, column{Values: []string{`"(1,200"`}}},
		"two signs":                 {[]string{"-$-1", "(-1)"}, column{Values: []string{`"-$-1"`, `"(-1)"`}}},
		"a date of two countries":   {[]string{"01/02/2024"}, column{Values: []string{`"01/02/2024"`}}},
		"an impossible date":        {[]string{"2024-02-30"}, column{Values: []string{`"2024-02-30"`}}},
		"days and months":           {[]string{"2024-01-31", "2024-01"}, column{Values: []string{`"2024-01-31"`, `"2024-01"`}}},
		"before spreadsheets":       {[]string{"1899-12-31"}, column{Values: []string{`"1899-12-31"`}}},
		"versions":                  {[]string{"1.2.3"}, column{Values: []string{`"1.2.3"`}}},
		"codes":                     {[]string{"ABC 123", "USD"}, column{Values: []string{`"ABC 123"`, `"USD"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c formatted.Column
			for _, text := range tt.texts {
				c.Add(text)
			}
			var got column
			got.Format, _ = c.Format()
			for _, text := range tt.texts {
				got.Values = append(got.Values, stored(&c, text))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("column (-want +got):\n%s", diff)
			}
		})
	}
}

func stored(c *formatted.Column, text string) string {
	if text == "" {
		return ""
	}
	if value, ok := c.Bool(text); ok {
		return map[bool]string{true: "true", false: "false"}[value]
	}
	if value, ok := c.Number(text); ok {
		return value
	}
	return `"` + text + `"`
}
