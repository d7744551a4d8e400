package sample

// mailEvent is what a receipt rule of SES sends.
type mailEvent struct{ Records []mailRecord }

type mailRecord struct {
	EventSource  string     `json:"eventSource"`
	EventVersion string     `json:"eventVersion"`
	SES          mailDetail `json:"ses"`
}

type mailDetail struct {
	Mail    mailMessage `json:"mail"`
	Receipt mailReceipt `json:"receipt"`
}

type mailMessage struct {
	Timestamp        string            `json:"timestamp"`
	Source           string            `json:"source"`
	MessageID        string            `json:"messageId"`
	Destination      []string          `json:"destination"`
	HeadersTruncated bool              `json:"headersTruncated"`
	Headers          []mailHeader      `json:"headers"`
	CommonHeaders    mailCommonHeaders `json:"commonHeaders"`
}

type mailHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type mailCommonHeaders struct {
	ReturnPath string   `json:"returnPath"`
	From       []string `json:"from"`
	Date       string   `json:"date"`
	To         []string `json:"to"`
	MessageID  string   `json:"messageId"`
	Subject    string   `json:"subject"`
}

type mailReceipt struct {
	Timestamp            string      `json:"timestamp"`
	ProcessingTimeMillis int64       `json:"processingTimeMillis"`
	Recipients           []string    `json:"recipients"`
	SpamVerdict          mailVerdict `json:"spamVerdict"`
	VirusVerdict         mailVerdict `json:"virusVerdict"`
	SPFVerdict           mailVerdict `json:"spfVerdict"`
	DKIMVerdict          mailVerdict `json:"dkimVerdict"`
	DMARCVerdict         mailVerdict `json:"dmarcVerdict"`
	Action               mailAction  `json:"action"`
}

type mailVerdict struct {
	Status string `json:"status"`
}

type mailAction struct {
	Type           string `json:"type"`
	FunctionARN    string `json:"functionArn"`
	InvocationType string `json:"invocationType"`
}

type mailParams struct {
	From     string `default:"jane@example.com" about:"the sender"`
	To       string `default:"johndoe@example.com" about:"the recipient"`
	Subject  string `default:"Test Subject" about:"of the message"`
	Function string `default:"my-function" about:"the function's name"`
}

func receivedMail() []Sample {
	return []Sample{define("ses:receipt", "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html", "a mail has come in", func(m *maker, p mailParams) any {
		id, date, pass := "<"+m.uuid()+"@example.com>", m.Time.UTC().Format("Mon, 2 Jan 2006 15:04:05 -0700"), mailVerdict{"PASS"}
		return mailEvent{[]mailRecord{{EventSource: "aws:ses", EventVersion: "1.0", SES: mailDetail{
			Mail: mailMessage{
				Timestamp: m.iso(), Source: p.From, MessageID: m.word(40), Destination: []string{p.To},
				Headers: []mailHeader{
					{"Return-Path", "<" + p.From + ">"}, {"From", p.From}, {"Date", date}, {"Message-ID", id}, {"Subject", p.Subject}, {"To", p.To},
				},
				CommonHeaders: mailCommonHeaders{ReturnPath: p.From, From: []string{p.From}, Date: date, To: []string{p.To}, MessageID: id, Subject: p.Subject},
			},
			Receipt: mailReceipt{
				Timestamp: m.iso(), ProcessingTimeMillis: 574, Recipients: []string{p.To}, SpamVerdict: pass, VirusVerdict: pass, SPFVerdict: pass, DKIMVerdict: pass, DMARCVerdict: pass,
				Action: mailAction{"Lambda", m.arn("lambda", "function:"+p.Function), "Event"},
			},
		}}}}
	})}
}
