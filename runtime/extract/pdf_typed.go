package extract

import (
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
)

// typed returns what people typed on the page, which is seen but is no part of its text: the values of form fields and, where a form has
// none to fill in, text that a viewer put there. A line for each that the text does not hold.
func (p pdfPage) typed(text string) string {
	counted, err := p.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: p.page()})
	if err != nil || counted.Count == 0 {
		return ""
	}
	var missing strings.Builder
	for _, value := range append(p.fields(), p.freeTexts(min(counted.Count, maxObjects))...) {
		value = strings.TrimSpace(strings.ReplaceAll(tidy(value), "\r", "\n"))
		if value != "" && !strings.Contains(text, value) {
			missing.WriteString("\n" + value)
		}
	}
	return missing.String()
}

func (p pdfPage) fields() []string {
	form, err := p.GetForm(&requests.GetForm{Page: p.page()})
	if err != nil {
		return nil // damaged fields: the page itself is read
	}
	var values []string
	for _, field := range form.Fields {
		values = append(values, valuesOf(field)...)
	}
	return values
}

func valuesOf(field responses.FormField) []string {
	switch field.Type {
	case enums.FPDF_FORMFIELD_TYPE_TEXTFIELD, enums.FPDF_FORMFIELD_TYPE_RADIOBUTTON:
		if field.Value != nil {
			return []string{*field.Value}
		}
	case enums.FPDF_FORMFIELD_TYPE_COMBOBOX, enums.FPDF_FORMFIELD_TYPE_LISTBOX:
		return field.Values
	}
	return nil
}

// freeTexts returns those among the first count annotations that are text on the page. Comments, which open on a click, are none.
func (p pdfPage) freeTexts(count int) []string {
	var texts []string
	for i := range count {
		opened, err := p.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: p.page(), Index: i})
		if err != nil {
			continue
		}
		if p.isFreeText(opened) {
			contents, err := p.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: opened.Annotation, Key: "Contents"})
			if err == nil {
				texts = append(texts, contents.Value)
			}
		}
		_, _ = p.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: opened.Annotation}) // it ends with the process at the latest
	}
	return texts
}

func (p pdfPage) isFreeText(opened *responses.FPDFPage_GetAnnot) bool {
	kind, err := p.FPDFAnnot_GetSubtype(&requests.FPDFAnnot_GetSubtype{Annotation: opened.Annotation})
	if err != nil || kind.Subtype != enums.FPDF_ANNOT_SUBTYPE_FREETEXT {
		return false
	}
	flags, err := p.FPDFAnnot_GetFlags(&requests.FPDFAnnot_GetFlags{Annotation: opened.Annotation})
	return err == nil && flags.Flags&(enums.FPDF_ANNOT_FLAG_HIDDEN|enums.FPDF_ANNOT_FLAG_NOVIEW) == 0
}
