package bounce

import "regexp"

// What programs say, in the languages of those who run them.
var (
	reply = regexp.MustCompile(`(?i)^\s*(re|aw|sv|antw|rv|答复|回复|回覆|返信|rif|odp)\s*(\[\d+\])?\s*[:：]`)

	// bounceSubject and bounceSender are what programs say that report failures.
	bounceSubject = regexp.MustCompile(`(?i)undeliver|returned (mail|to sender)|return(ed)? receipt failed|delivery (status|failure|failed|error|problem|notification|report|has failed|unsuccessful|attempt|delayed)|` +
		`failure (notice|delivery)|mail (delivery|system|failure|error)|not delivered|non.?delivery|nondeliverable|could ?n.?t be (sent|delivered)|could not (be )?(send|sent|deliver)|unable to deliver|` +
		`message (status|delivery|not delivered|could not)|user unknown|address.*(unknown|invalid)|bounce|warning: could not|failed (mail|to deliver)|` +
		`email (problem|rejected)|error (mail|sending)|rejected|invalid recipient|mailbox (full|unavailable)|delayed|quota|` +
		`unzustellbar|fehlgeschlagen|nicht zugestellt|zustellung|remise retardée|entrega retrasada|échec|non remis|non distribu|no (se puede |se pudo )?entreg|no entregad|falha|não entreg|mancat[ao] (recapito|consegna)|impossibile recapitare|onbestelbaar|niet bezorgd|` +
		`недоставлен|не доставлен|не может быть доставлен|niedostarczon|配送|配信|エラー|不達|退信|退回|无法投递|無法投遞|投递失败|無法傳送|未能送达|전송 실패|반송`)
	bounceSender = regexp.MustCompile(`(?i)mailer.?daemon|post.?master|mail.?system|mail delivery|mdaemon|maildeliver|mailadm|delivery|amavis|virus|content.?filter|no.?reply|mail.?gate|nobody|root@|^\s*<?>?\s*$`)

	// machine is the sender of reports and of nothing else.
	machine = regexp.MustCompile(`(?i)mailer.?daemon|mail delivery (sub)?system`)

	// declares is a report's own sentence. People quote one, but not with these words about "your message".
	declares = regexp.MustCompile(`(?i)\byour (e-?mail |mail )?(message|mail|e-?mail)\b.{0,60}(could not|couldn.t|cannot|can not|was not|wasn.t|has not) (be(en)? )?(deliver|sent|reach)|votre message n.a pas|ihre (e-?mail|nachricht) konnte|su mensaje no|` +
		`sua mensagem não|il (suo|tuo) messaggio non`)

	// tried: delivery goes on. gaveUp: it does not.
	tried = regexp.MustCompile(`(?i)(delivery )?(delayed|delay)\b|warning: (message|could not)|will (continue to |keep |be )?(try|retry|retri)|(still|again) (be )?(trying|tried)|not been delivered yet|` +
		`(has|have) not yet been|attempts will continue|no action is required|do not need to (re)?send|this is a warning|temporarily deferred|verzögert|est retardé|retrasad[ao]|задерж|遅延|遅れて|延迟|延遲`)
	gaveUp = regexp.MustCompile(`(?i)(permanent|fatal) error|(given|gave|giving) up|will not be (re)?tried|no further (attempt|deliver)|retry (time|timeout) (not reached|exceeded)|` +
		`(message|delivery) expired|too (long|old)|queue too long|maximum (time|retr)|(for|more than) \d+ days?`)
	smtp5 = regexp.MustCompile(`\b5\d\d[ -]|\b5\.\d\.\d`)

	fatalSection     = regexp.MustCompile(`(?i)^[\s-]*(the following )?address(es)? .*(permanent|fatal|delivery) .*errors?|^\W*undeliverable mail\W*$`)
	transientSection = regexp.MustCompile(`(?i)^[\s-]*(the following )?address(es)? .*(transient|non-?fatal|delayed|temporary)|^\W*delayed mail\W*$`)

	// alone is a line that an address begins, perhaps with a label, a code or a bracket, and a reason behind it.
	alone = regexp.MustCompile(`^[\s>*-]*(?:[45]\d\d[ -])?(?:(?i:to|recipient|recipient address|final recipient|original address|undeliverable address|failed address|invalid address|rcpt to|user|mailto|address|email|e-mail|` +
		`e-mail address|addressed to|original recipient|failed recipient|intended recipient|addressee|delivery failed|unknown (?:user|host)|user unknown|empfänger|an|destinataires?|à|destinatarios?|para|destinatari|получатель|кому|` +
		`宛先|受信者|送信先|收件人|收件者|收件地址|받는 사람|수신자)\s*[:=：]?\s*)?["'(<\[]*[^\s<>"']+@[^\s<>"']+[>"')\]]*[:;,.]?(?:\s*\(.*|\s*$|\s+[-:(<\[].*|\s*\.\.\..*|:.*)`)
	rcptTo = regexp.MustCompile(`(?i)rcpt to`)

	// trouble is what a sentence of failure says.
	trouble = regexp.MustCompile(`(?i)\b[45]\d\d\b|\b[45]\.\d\.\d|unknown|not (be|found|exist|deliver|reach|known|accept)|doesn.?t|could ?n.?t|cannot|can't|failed|fail(ure|s)?|reject|refus|invalid|undeliver|unable|full|quota|disabled|denied|` +
		`exceed|no longer|wrong|did not|no such|unreachable|error|unavailable|inactive|terminated|rcpt to|delivery to|recipient|blocked|delay|warning|` +
		`nicht|unbekannt|fehler|introuvable|inconnu|échec|impossible|no se|desconocid|fall[oó]|não|desconhecid|sconosciut|impossibile|onbekend|niet|не найден|не может|не удалось|неизвест|не существует|ошибк|nie istnieje|` +
		`verzögert|retard|retras|нет такого|edilemedi|bulunamad|नहीं|হয়নি|যায়নি|نہیں|முடியவில்லை|නොහැක|` +
		`エラー|見つかりません|できません|存在しない|退回|退信|不存在|无法|無法|失败|失敗|못했|실패|존재하지`)

	// An address and what it became: Exim shows both, Sendmail and Postfix too.
	generated = regexp.MustCompile(`(?i)\((ultimately )?generated from:?\s+[^\s)]+@`)
	expanded  = regexp.MustCompile(`(?i)\((originally addressed to|expanded from|was):?\s+[^\s)]+@`)

	nameOfMessage = regexp.MustCompile(`(?i)(message-?id|\bid)\s*[:=]?\s*<?$|https?://\S*$`)
	contact       = regexp.MustCompile(`(?i)contact|questions|assistance|\bhelp|report (this|it|to)|please (send|mail|write|forward|visit|call|reply)|mailto:|^\s*(from|sender|reply-to|cc|return-path|originator)\s*[:=]|sent by|from address|reporting|on behalf|` +
		`message from|sender address|mail from|administrator|\binstead\b|new address|e\.g\.|\btry (sending|emailing|mailing|writing)`)
	subjectLine = regexp.MustCompile(`(?i)^[\s>]*(subject|subj|date|sent)\s*:`)

	// What answers for people: absence, challenge, receipt, confirmation.
	autoSubject = regexp.MustCompile(`(?i)^\W*(re: ?)?(out of (the )?office|auto(matic|mated)?[ -]?(reply|response|answer)|autoreply|vacation|away from|abwesenheit|automatische antwort|réponse automatique|absence|respuesta automática|` +
		`resposta automática|risposta automatica|automatisch antwoord|автоответ|автоматический ответ|odpowiedź automatyczna|on leave|i am away|holiday|auto:|自動応答|自動返信|不在|自动回复|自動回覆|自动答复|자동 ?(응답|회신)|स्वतः उत्तर)|` +
		`is out of the office|^(read|gelesen|lu)\s*:|read receipt|disposition notification|message (was )?read`)
	challengeSubject = regexp.MustCompile(`(?i)(please )?(confirm|verify) your (message|email|e-mail|subscription)|challenge|requires? (verification|confirmation)|verify#|\(verification\)|^\W*(re: ?)?confirm [0-9a-f]{8,}|` +
		`(confirm|confirmation) (of )?(your )?(subscription|unsubscription)|subscription confirmation|confirmation required|bestätig.{0,20}(anmeldung|e-?mail)`)
	challengeText = regexp.MustCompile(`(?i)spam ?arrest|box ?trapper|\btmda\b|challenge[ /-]response|(real|live|human)( live)? (human|being|person)|to release your (message|mail)|receiving junk mail|add(ed)? .{0,20}to my (white|allow|approved)`)
)
