package extract

import "github.com/docvault/docvault/runtime/document"

// Type is what a file is, told from its content.
type Type struct {
	MIME string
	Kind document.Kind
	Ext  string // lower case, with the dot

	instead string // for people whose file is of a type that is not read: what they can do
}

// The types that a file can be told to be. Detect answers those that have a reader.
var (
	typeText = Type{MIME: "text/plain", Kind: document.KindText, Ext: ".txt"}
	typeHTML = Type{MIME: "text/html", Kind: document.KindText, Ext: ".html"}
	typeRTF  = Type{MIME: "application/rtf", Kind: document.KindOffice, Ext: ".rtf"}
	typeEML  = Type{MIME: "message/rfc822", Kind: document.KindEmail, Ext: ".eml"}
	typePDF  = Type{MIME: "application/pdf", Kind: document.KindPDF, Ext: ".pdf"}

	typeDOCX = Type{MIME: ooxmlMIME + "wordprocessingml.document", Kind: document.KindOffice, Ext: ".docx"}
	typeXLSX = Type{MIME: ooxmlMIME + "spreadsheetml.sheet", Kind: document.KindOffice, Ext: ".xlsx"}
	typePPTX = Type{MIME: ooxmlMIME + "presentationml.presentation", Kind: document.KindOffice, Ext: ".pptx"}
	typeODT  = Type{MIME: odfMIME + "text", Kind: document.KindOffice, Ext: ".odt"}
	typeODS  = Type{MIME: odfMIME + "spreadsheet", Kind: document.KindOffice, Ext: ".ods"}
	typeODP  = Type{MIME: odfMIME + "presentation", Kind: document.KindOffice, Ext: ".odp"}

	// typeLocked is an Office file with a password: what is inside cannot be told.
	typeLocked = Type{MIME: "application/encrypted", Kind: document.KindOffice, Ext: ".ole"}

	typePNG  = Type{MIME: "image/png", Kind: document.KindImage, Ext: ".png"}
	typeJPEG = Type{MIME: "image/jpeg", Kind: document.KindImage, Ext: ".jpg"}
	typeTIFF = Type{MIME: "image/tiff", Kind: document.KindImage, Ext: ".tiff"}
	typeGIF  = Type{MIME: "image/gif", Kind: document.KindImage, Ext: ".gif"}
	typeWebP = Type{MIME: "image/webp", Kind: document.KindImage, Ext: ".webp"}
	typeBMP  = Type{MIME: "image/bmp", Kind: document.KindImage, Ext: ".bmp"}
)

// Types that are told to say what else can be done.
var (
	typeOldOffice   = Type{instead: "This is a file of Office 2003 or older. Save it as .docx, .xlsx or .pptx."}
	typeOutlook     = Type{instead: "This is a message as Outlook keeps it. Save it as .eml or PDF."}
	typeBinarySheet = Type{instead: "This is a binary workbook of Excel. Save it as .xlsx."}
	typeArchive     = Type{instead: "This is an archive. Upload the files in it one by one."}
	typeNewImage    = Type{instead: "This is an image as phones keep it (HEIC, AVIF or JPEG XL). Save it as JPEG or PNG."}
	typeOtherText   = Type{instead: "This is a text in an encoding that cannot be told. Save it as UTF-8."}
)

const (
	ooxmlMIME = "application/vnd.openxmlformats-officedocument."
	odfMIME   = "application/vnd.oasis.opendocument."
)
