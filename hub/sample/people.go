package sample

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// kind is what a column holds.
type kind int

const (
	text kind = iota
	number
	date
	money
)

// column is a field of the query.
type column struct {
	Name, Label, Short string
	Tags               []string
	Kind               kind
	Measure            bool
}

// columns carry the LookML tags by which integrations find what they need.
var columns = []column{
	{"users.id", "Users ID", "ID", []string{"user_id", "braze_id", "mp_customer_id"}, number, false},
	{"users.first_name", "Users First Name", "First Name", nil, text, false},
	{"users.last_name", "Users Last Name", "Last Name", nil, text, false},
	{"users.email", "Users Email", "Email", []string{"email", "mp_email"}, text, false},
	{"users.phone", "Users Phone", "Phone", []string{"phone"}, text, false},
	{"users.city", "Users City", "City", nil, text, false},
	{"users.country", "Users Country", "Country", nil, text, false},
	{"users.created_date", "Users Created Date", "Created Date", nil, date, false},
	{"users.hubspot_contact_id", "Users HubSpot Contact ID", "HubSpot Contact ID", []string{"hubspot_contact_id"}, number, false},
	{"users.salesforce_contact_id", "Users Salesforce Contact ID", "Salesforce Contact ID", []string{"sfdc_contact_id"}, text, false},
	{"accounts.id", "Accounts ID", "ID", []string{"segment_group_id"}, text, false},
	{"orders.count", "Orders Count", "Count", nil, number, true},
	{"orders.total_revenue", "Orders Total Revenue", "Total Revenue", nil, money, true},
}

// cell is a value as text: a number is written as it is.
type cell struct {
	value string
	// rendered is how Looker formats the value, where that differs.
	rendered string
	null     bool
}

// name is a person's, with what an address makes of it.
type name struct{ text, ascii string }

var firstNames = []name{
	{"Ana", "ana"},
	{"José", "jose"},
	{"Zoë", "zoe"},
	{"Łukasz", "lukasz"},
	{"Mary Ann", "maryann"},
	{"小龙", "xiaolong"},
	{"Fatima", "fatima"},
	{"Noah", "noah"},
	{"Olga", "olga"},
	{"Priya", "priya"},
	{"Søren", "soren"},
	{"Aïcha", "aicha"},
	{"Kenji", "kenji"},
	{"Grace", "grace"},
}

var lastNames = []name{
	{"García", "garcia"},
	{"O'Neill", "oneill"},
	{"Nowak", "nowak"},
	{"Müller", "mueller"},
	{"李", "li"},
	{"van der Berg", "vanderberg"},
	{"Smith", "smith"},
	{"Haddad", "haddad"},
	{"Kowalczyk-Lee", "kowalczyklee"},
	{"Iyer", "iyer"},
	{"Sørensen", "sorensen"},
	{"Tanaka", "tanaka"},
	{"Brown", "brown"},
}

// place is where somebody lives. A telephone number of its country ends in so many digits, of
// a range for fiction (NANPA 555-01XX, Ofcom).
type place struct {
	city, country, phone string
	digits               int
}

var places = []place{
	{"New York", "US", "+1212555010", 1},
	{"Washington, D.C.", "US", "+1202555014", 1},
	{"San Francisco", "US", "+1415555012", 1},
	{"Coeur d'Alene", "US", "+1208555018", 1},
	{"London", "GB", "+447700900", 3},
	{`"Old Town", Edinburgh`, "GB", "+441314960", 3},
	{"Toronto", "CA", "+1416555017", 1},
}

// firstDay is the day of the first sign-up.
var firstDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// ranAt is when the query ran, as Looker writes it.
const ranAt = "2026-11-23T12:00:00+00:00"

// people makes rows. A row depends on its number alone.
type people struct {
	source *rand.PCG
	random *rand.Rand
	cells  []cell
}

func newPeople() *people {
	source := rand.NewPCG(0, 0)
	return &people{source, rand.New(source), make([]cell, len(columns))} //nolint:gosec // examples must come out the same each time
}

// row makes the row with a number, which counts from 0. It is valid until the next call.
func (p *people) row(i int) []cell {
	p.source.Seed(20261123, uint64(i)) //nolint:gosec // not negative
	r := p.random
	first, last := firstNames[r.IntN(len(firstNames))], lastNames[r.IntN(len(lastNames))]
	at := places[r.IntN(len(places))]
	day := firstDay.AddDate(0, 0, r.IntN(1000))
	orders := r.IntN(40)
	cents := 0
	if orders > 0 {
		cents = orders*500 + r.IntN(orders*20000)
	}
	id := strconv.Itoa(i + 1)
	phone := cell{value: fmt.Sprintf("%s%0*d", at.phone, at.digits, r.IntN(pow10(at.digits)))}
	if r.IntN(20) == 0 {
		phone = cell{null: true}
	}
	p.cells = append(p.cells[:0],
		cell{value: id},
		cell{value: first.text},
		cell{value: last.text},
		cell{value: first.ascii + "." + last.ascii + "." + id + "@example.com"},
		phone,
		cell{value: at.city},
		cell{value: at.country},
		cell{value: day.Format(time.DateOnly)},
		cell{value: strconv.Itoa(50_000_001 + i)},
		cell{value: fmt.Sprintf("0035e%010d", i) + "AAA"},
		cell{value: fmt.Sprintf("acct-%04d", r.IntN(500))},
		cell{value: strconv.Itoa(orders), rendered: strconv.Itoa(orders)},
		cell{value: fmt.Sprintf("%d.%02d", cents/100, cents%100), rendered: dollars(cents)},
	)
	return p.cells
}

func pow10(digits int) int {
	n := 1
	for range digits {
		n *= 10
	}
	return n
}

// dollars writes an amount as $1,234.50.
func dollars(cents int) string {
	whole := strconv.Itoa(cents / 100)
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return fmt.Sprintf("$%s.%02d", b.String(), cents%100)
}
