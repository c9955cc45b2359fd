package classify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/document"
)

const invoice = `Invoice No. 2026-118
Bill to: Harbour Bakery Ltd, 4 Quay Street
For flour and yeast delivered in October: 412.50 EUR
Total due: 490.88 EUR including VAT. Please arrange payment within 14 days of the invoice date.`

const recipe = `Lemon tart
Beat four eggs with the sugar, add the juice of three lemons and the cream.
Pour into the pastry case and bake for 35 minutes at 160 degrees. Serve cold.`

const lease = `Tenancy agreement between the landlord and the tenant for the flat at 12 Mill Lane.
The rent is payable monthly in advance. The tenant shall give two months' notice to end the lease.`

const rechnung = `Rechnung Nr. 4711
Für die Lieferung vom 3. Oktober berechnen wir Ihnen 120,00 EUR. Bitte überweisen Sie den Betrag der Rechnung bis zum 30.`

func topic(name, description string, examples ...string) classify.Topic {
	return classify.Topic{ID: document.NewID(), Name: name, Description: description, Examples: examples}
}

func TestBuiltinChoosesByNameAndDescription(t *testing.T) {
	topics := []classify.Topic{
		topic("Invoices", "bills and payments"),
		topic("Contracts", "agreements, leases and their notices"),
		topic("Recipes", "cooking, baking, food"),
		topic("Rechnungen", "was zu bezahlen ist"),
	}
	for name, want := range map[string]struct{ text, topic string }{
		"an invoice":              {invoice, "Invoices"},
		"a lease":                 {lease, "Contracts"},
		"a German invoice":        {rechnung, "Rechnungen"},
		"upper case":              {strings.ToUpper(invoice), "Invoices"},
		"a recipe without a word": {"The ferry leaves at nine and returns at noon.", ""},
		"no text":                 {"", ""},
		"numbers alone":           {"1 2 3 4711 2026", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := best(t, want.text, topics); got != want.topic {
				t.Errorf("filed under %q, want %q", got, want.topic)
			}
		})
	}
}

func TestBuiltinLeavesAloneWhatFitsNoTopic(t *testing.T) {
	topics := []classify.Topic{topic("Invoices", "bills and payments"), topic("Insurance", "policies and claims")}
	if got := best(t, recipe, topics); got != "" {
		t.Errorf("a recipe was filed under %q", got)
	}
}

func TestBuiltinLearnsFromWhatWasFiledByHand(t *testing.T) {
	byHand := `Apple crumble. Rub the butter into the flour and sugar, slice the apples, bake for 40 minutes at 180 degrees.
Serve with cream.`
	plain := []classify.Topic{topic("Grandmother", ""), topic("Invoices", "bills and payments")}
	if got := best(t, recipe, plain); got != "" {
		t.Fatalf("filed under %q before anything was learned", got)
	}
	taught := []classify.Topic{topic("Grandmother", "", byHand, recipe[:80]), topic("Invoices", "bills and payments", invoice)}
	if got := best(t, recipe, taught); got != "Grandmother" {
		t.Errorf("filed under %q, want Grandmother", got)
	}
}

const (
	statement = `Harbour Savings Bank
Account statement for October 2026, account 0042 7781
Opening balance 1,204.11 EUR
02.10. card payment Grocer 38.20 / 05.10. salary Mill Ltd 2,410.00 / 12.10. standing order rent 780.00
Closing balance 2,795.91 EUR. Interest on overdrafts from 1 November: 9.1 per cent.`

	doctor = `Dr Anna Weiss, cardiology
Report on the patient Johann Berg, born 4 May 1961, seen on 3 October.
Diagnosis: hypertension. The ECG shows no sign of ischaemia; blood pressure 150 over 95.
Treatment: ramipril 5 mg daily, next examination in three months.`

	otherInvoice = `INVOICE 77/2026
Customer: Mill Ltd. Services in September: maintenance of the boiler, 6 hours at 85.00 EUR
Subtotal 510.00, VAT 19 %: 96.90, amount due 606.90 EUR
Payable by bank transfer without deduction within 30 days.`

	novel = `Bill came down to the harbour before the sun was up. Nobody had seen the ferry since the storm, and the old men said that
it would not come again. He sat on a bollard and thought of the summer when his brother had taught him to row. "You are early",
said Anna behind him. She had brought bread and a can of coffee, and they drank without a word while the gulls fought over the crumbs. `
)

func TestBuiltinTellsPapersApart(t *testing.T) {
	t.Parallel()
	topics := []classify.Topic{
		topic("Invoices", "bills and payments"),
		topic("Bank statements", "accounts, balances, interest"),
		topic("Health", "doctors, diagnoses, treatment, prescriptions"),
		topic("Contracts", "agreements, leases and their notices"),
		topic("Recipes", "cooking, baking, food"),
	}
	for text, want := range map[string]string{
		invoice: "Invoices", otherInvoice: "Invoices", statement: "Bank statements", doctor: "Health", lease: "Contracts",
		novel:                     "",
		strings.Repeat(novel, 40): "",
		strings.Repeat(novel, 10) + "Then the invoice fell into the water.": "",
	} {
		if got := best(t, text, topics); got != want {
			t.Errorf("%.40q… is filed under %q, want %q", text, got, want)
		}
	}
}

func TestBuiltinLearnsAKindFromOneExample(t *testing.T) {
	t.Parallel()
	topics := []classify.Topic{topic("Blue folder", "", invoice), topic("Red folder", "", doctor), topic("Green folder", "", recipe)}
	if got := best(t, otherInvoice, topics); got != "Blue folder" {
		t.Errorf("an invoice is filed under %q, want where another is", got)
	}
	if got := best(t, novel, topics); got != "" {
		t.Errorf("a novel is filed under %q", got)
	}
}

func TestBuiltinSaysThatItCutTheText(t *testing.T) {
	long := strings.Repeat("The ferry leaves at nine. ", 10_000) + invoice
	result, err := classify.NewBuiltin().Classify(t.Context(), classify.Request{Text: long, Topics: []classify.Topic{topic("Invoices", "")}})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Truncated || len(result.Confidence) != 0 {
		t.Errorf("truncated %t, chosen %v: want what lies far behind to be left out, and said so", result.Truncated, result.Confidence)
	}
}

func TestBuiltinChoosesAFewAtMost(t *testing.T) {
	var topics []classify.Topic
	for _, name := range []string{"Invoice", "Bill", "Payment", "Total", "Harbour", "Bakery", "Flour"} {
		topics = append(topics, topic(name, ""))
	}
	request := classify.Request{Text: strings.Repeat(invoice, 5), Topics: topics}
	first, err := classify.NewBuiltin().Classify(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(first.Confidence); n == 0 || n > 3 {
		t.Errorf("%d topics were chosen, want 1 to 3", n)
	}
	slices.Reverse(request.Topics)
	second, err := classify.NewBuiltin().Classify(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for id, confidence := range first.Confidence {
		if confidence <= 0 || confidence > 1 || second.Confidence[id] != confidence {
			t.Errorf("confidence %g, then %g in another order", confidence, second.Confidence[id])
		}
	}
}

// best returns the name of the topic chosen with the most confidence, empty when none was.
func best(t *testing.T, text string, topics []classify.Topic) string {
	t.Helper()
	result, err := classify.NewBuiltin().Classify(t.Context(), classify.Request{Text: text, Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	name, most := "", 0.0
	for _, topic := range topics {
		if confidence := result.Confidence[topic.ID]; confidence > most {
			name, most = topic.Name, confidence
		}
	}
	return name
}

// TestBuiltinLearnsItsScale: from several examples it learns how alike papers of a topic are, and tells apart what fixed limits cannot.
func TestBuiltinLearnsItsScale(t *testing.T) {
	t.Parallel()
	crops := []string{"barley", "wheat", "oats", "rye", "maize", "millet", "spelt"}
	var farm, harbour []string
	for i, crop := range crops {
		farm = append(farm, "Weekly note of the cooperative. The weather held and the members met on Monday. "+
			"We sowed the "+crop+" on the upper field and repaired the plough, "+strings.Repeat("harvest of "+crops[(i+1)%7]+" went to the barn. ", 3))
		harbour = append(harbour, "Weekly note of the cooperative. The weather held and the members met on Monday. "+
			"We unloaded the trawler "+crop+" at the quay and mended nets, "+strings.Repeat("cod and herring of vessel "+crops[(i+1)%7]+" went to auction. ", 3))
	}
	topics := []classify.Topic{topic("1", "", farm[:6]...), topic("2", "", harbour[:6]...)}
	if got := best(t, farm[6], topics); got != "1" {
		t.Errorf("a farm's note is filed under %q", got)
	}
	if got := best(t, harbour[6], topics); got != "2" {
		t.Errorf("a harbour's note is filed under %q", got)
	}
	for _, other := range []string{novel, invoice, doctor} {
		if got := best(t, other, topics); got != "" {
			t.Errorf("%.30q… is filed under %q", other, got)
		}
	}
}

// BenchmarkBuiltin judges a page among a thousand topics with three examples each.
func BenchmarkBuiltin(b *testing.B) {
	words := strings.Fields(invoice + recipe + lease + novel + doctor + statement)
	var r classify.Request
	for i := range 1_000 {
		text := func(n int) string {
			list := make([]string, n)
			for j := range list {
				list[j] = words[(i*7+j*(i%13+1))%len(words)] + string(rune('a'+(i+j)%26))
			}
			return strings.Join(list, " ")
		}
		r.Topics = append(r.Topics, topic(text(2), text(12), text(400), text(500), text(600)))
	}
	r.Text = strings.Repeat(novel, 10)
	provider := classify.NewBuiltin()
	for b.Loop() {
		if _, err := provider.Classify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
