package extract

import (
	"strings"
	"testing"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"The contract between the parties was signed in the presence of a notary and takes effect next month.": "en",
		"Sehr geehrte Damen und Herren, anbei die Rechnung.":                                                   "de",
		"Bonjour, veuillez trouver ci-joint la facture.":                                                       "fr",
		"Estimado cliente, le adjuntamos la factura del mes de marzo, que vence dentro de treinta días. Le rogamos que realice el pago " +
			"antes de esa fecha en la cuenta bancaria que figura en el documento. Si ya ha pagado, no haga caso de esta carta. Muchas " +
			"gracias por su confianza y por los años que llevamos trabajando juntos.": "es",
		"Kære kunde, vedlagt er fakturaen for marts måned, som skal være her inden fredag. Hvis du allerede har betalt, kan du se bort " +
			"fra dette brev. Vi takker for din tillid og for de mange år, vi har arbejdet sammen, og håber på at høre fra dig igen " +
			"efter sommerferien.": "da",
		"Szanowni Państwo, w załączeniu faktura za marzec.": "pl",
		"Ти можеш знайти це у своїй скринці, але зроби це сьогодні, бо завтра буде пізно.": "uk",
		"これは日本語の文書です。": "ja",
		"17 18 19 20":  "",
		"total 17 %":   "",
		"Invoice":      "",
		"":             "",
	} {
		if got := language([]string{text}); got != want {
			t.Errorf("%q is in %q, want %q", text, got, want)
		}
		// Figures before and long repetition after change nothing.
		if long := strings.Repeat(text+"\n", 1000); want != "" && language([]string{"17 18\n", long}) != want {
			t.Errorf("many times %q is in %q, want %q", text, language([]string{long}), want)
		}
	}
}
