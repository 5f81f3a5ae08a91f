//! The table of Gemini's fields: what becomes of each toward each other dialect.

use sluice_api::dialect::Api;
use sluice_neutral::fields::Fate::{self, Adapted, Carried, Named, Refused, Silent};
use sluice_neutral::fields::Field;

/// Toward the Claude Messages API, Chat Completions, and Responses.
type Fates = [Fate; 3];

const CARRIED: Fates = [Carried; 3];
const ADAPTED: Fates = [Adapted; 3];
const NAMED: Fates = [Named; 3];
const SILENT: Fates = [Silent; 3];
const REFUSED: Fates = [Refused; 3];
/// What Chat Completions alone have.
const CHAT: Fates = [Named, Carried, Named];
/// What OpenAI's APIs have.
const OPENAI: Fates = [Named, Adapted, Adapted];

const fn field(place: &'static str, name: &'static str, fates: Fates, note: &'static str) -> Field {
    toward(Field::new(place, name, Carried), fates, note)
}

const fn kind(place: &'static str, name: &'static str, fates: Fates, note: &'static str) -> Field {
    toward(Field::kind(place, name, Carried), fates, note)
}

/// A field that refuses all but what asks for nothing.
const fn off(place: &'static str, name: &'static str, fates: Fates, note: &'static str) -> Field {
    const NOTHING: &[&str] = &[
        "false",
        "0",
        "1",
        "\"\"",
        "{}",
        "[]",
        "\"BLOCKING\"",
        "\"UNSPECIFIED\"",
        "\"SCHEDULING_UNSPECIFIED\"",
    ];
    field(place, name, fates, note).but(NOTHING)
}

const fn toward(row: Field, fates: Fates, note: &'static str) -> Field {
    let [anthropic, chat, responses] = fates;
    row.to(Api::Anthropic, anthropic).to(Api::OpenaiChat, chat).to(Api::OpenaiResponses, responses).note(note)
}

macro_rules! rows {
    ($($row:ident $place:literal: $($name:literal)+ => $fates:expr, $note:literal;)*) => {
        &[$($($row($place, $name, $fates, $note),)+)*]
    };
}

/// What a request has, and what it may hold.
pub(crate) static FIELDS: &[Field] = rows! {
    // A part's, first: they are looked up most.
    kind "contents.parts": "text" "functionCall" => CARRIED, "";
    kind "contents.parts": "functionResponse" => ADAPTED, "`output` is the result's text, `error` says that it failed, anything else is told as JSON";
    kind "contents.parts": "inlineData" "fileData" => ADAPTED, "images, audio, PDFs and texts, by media type; no video, no file of Google's own";
    kind "contents.parts": "executableCode" "codeExecutionResult" "audioTranscription" => ADAPTED, "told as text, and named";
    kind "contents.parts": "toolCall" "toolResponse" => NAMED, "the trace of Google's own tools";
    field "contents.parts": "thought" "thoughtSignature" => ADAPTED, "thoughts and what only their maker can read, which goes back to its maker alone";
    field "contents.parts": "mediaResolution" => OPENAI, "how closely an image is looked at: LOW is low, HIGH is high, ULTRA_HIGH original";
    field "contents.parts": "partMetadata" => SILENT, "the client's own notes";
    field "contents.parts": "speechMetadata" => NAMED, "of speech made from text";
    field "contents.parts": "videoMetadata" "mediaProcessing" => REFUSED, "of video";
    field "contents.parts": "documentMetadata" "spreadsheetMetadata" "audioMetadata" => REFUSED, "a range, without which the model reads something else";
    field "contents": "role" "parts" => CARRIED, "";
    kind "contents": "user" "model" => CARRIED, "";
    kind "contents": "function" => ADAPTED, "an older name of the user's turn with results";
    field "contents.parts.inlineData": "data" "mimeType" => CARRIED, "";
    field "contents.parts.inlineData": "displayName" => ADAPTED, "the file's name";
    field "contents.parts.fileData": "fileUri" "mimeType" => ADAPTED, "addresses that anybody can read; files at Google are refused";
    field "contents.parts.fileData": "displayName" => ADAPTED, "the file's name";
    field "contents.parts.functionCall": "id" => ADAPTED, "made where there is none";
    field "contents.parts.functionCall": "name" "args" => CARRIED, "";
    field "contents.parts.functionCall": "partialArgs" "willContinue" => ADAPTED, "put together";
    field "contents.parts.functionCall.partialArgs": "jsonPath" "stringValue" "numberValue" "boolValue" "nullValue" "willContinue" => ADAPTED, "put together";
    field "contents.parts.functionResponse": "id" => ADAPTED, "without one, calls of the name in their order";
    field "contents.parts.functionResponse": "name" "response" => ADAPTED, "as its kind says";
    field "contents.parts.functionResponse": "parts" => ADAPTED, "images and documents";
    off "contents.parts.functionResponse": "willContinue" "scheduling" => REFUSED, "more of the result would come";
    kind "contents.parts.functionResponse.parts": "inlineData" "fileData" => ADAPTED, "as in a turn's parts";
    field "contents.parts.functionResponse.parts": "mediaResolution" => NAMED, "";
    field "contents.parts.functionResponse.parts": "videoMetadata" "mediaProcessing" "documentMetadata" "spreadsheetMetadata" "audioMetadata" => REFUSED, "as in a turn's parts";
    field "contents.parts.functionResponse.parts.inlineData": "data" "mimeType" "displayName" => ADAPTED, "as in a turn's parts";
    field "contents.parts.functionResponse.parts.fileData": "fileUri" "mimeType" "displayName" => ADAPTED, "as in a turn's parts";
    field "contents.parts.executableCode": "code" "language" => ADAPTED, "in a block of code";
    field "contents.parts.executableCode": "id" => SILENT, "";
    field "contents.parts.codeExecutionResult": "output" => ADAPTED, "in a block of code";
    field "contents.parts.codeExecutionResult": "outcome" "id" => SILENT, "";
    field "contents.parts.audioTranscription": "text" => ADAPTED, "told as text";
    field "contents.parts.audioTranscription": "finished" "languageCode" "speakerLabel" "words" "startOffset" "endOffset" => SILENT, "";
    field "contents.parts.mediaResolution": "level" => OPENAI, "as its parent says";
    field "contents.parts.mediaResolution": "numTokens" => SILENT, "only told in answers";
    field "contents.parts.toolCall": "id" "toolType" "args" => NAMED, "with its part";
    field "contents.parts.toolResponse": "id" "toolType" "response" => NAMED, "with its part";
    field "contents.parts.speechMetadata": "speaker" "style" => NAMED, "with its parent";
    field "contents.parts.videoMetadata": "startOffset" "endOffset" "fps" "contentLayers" => REFUSED, "with its parent";
    field "contents.parts.documentMetadata": "startPage" "endPage" "contentLayers" => REFUSED, "with its parent";
    field "contents.parts.spreadsheetMetadata": "sheetIndex" "visibleCells" => REFUSED, "with its parent";
    field "contents.parts.audioMetadata": "startOffset" "endOffset" => REFUSED, "with its parent";

    field "": "contents" "systemInstruction" "tools" "toolConfig" "generationConfig" => CARRIED, "";
    field "": "generateContentRequest" => ADAPTED, "what a count is asked of";
    field "": "model" => ADAPTED, "the path's goes before it";
    field "": "safetySettings" => NAMED, "no other provider's filters can be set";
    field "": "serviceTier" => ADAPTED, "`flex` and `priority`; anything else is what is usual";
    field "": "labels" => [Silent, Named, Carried], "metadata, which Chat Completions take of what is stored alone";
    field "": "store" => NAMED, "a log at Google: not what OpenAI's field of this name promises";
    field "": "cachedContent" => REFUSED, "a part of the prompt that is at Google alone";
    field "": "continuationToken" => REFUSED, "an answer that is half done at Google";
    off "": "modelArmorConfig" "generationOutputConfig" "automaticContinuation" => REFUSED, "of Vertex AI alone";
    field "safetySettings": "category" "threshold" "method" => NAMED, "with its parent";
    field "systemInstruction": "role" => SILENT, "it says nothing there";
    field "systemInstruction": "parts" => CARRIED, "texts alone";

    field "generationConfig": "temperature" "topP" => CARRIED, "";
    field "generationConfig": "maxOutputTokens" => CARRIED, "never more than is asked, thoughts and all";
    field "generationConfig": "stopSequences" => [Carried, Carried, Adapted], "looked for in the answer, which ends there";
    field "generationConfig": "topK" => [Carried, Named, Named], "";
    field "generationConfig": "seed" "presencePenalty" "frequencyPenalty" => CHAT, "";
    field "generationConfig": "responseLogprobs" "logprobs" => OPENAI, "how many others are told is asked for with it";
    off "generationConfig": "candidateCount" => REFUSED, "one answer alone";
    field "generationConfig": "responseMimeType" "responseSchema" "responseJsonSchema" "responseFormat" => ADAPTED, "JSON, of a schema or of none; `text/x.enum` is JSON of a schema";
    field "generationConfig": "responseModalities" => ADAPTED, "text alone";
    field "generationConfig": "mediaResolution" => OPENAI, "for every image that has none of its own";
    field "generationConfig": "thinkingConfig" => CARRIED, "";
    field "generationConfig": "speechConfig" "imageConfig" "enableEnhancedCivicAnswers" => NAMED, "";
    off "generationConfig": "audioTimestamp" "enableAffectiveDialog" "translationConfig" "audioTranscriptionConfig" => REFUSED, "of audio";
    off "generationConfig": "routingConfig" "modelSelectionConfig" => REFUSED, "of Vertex AI alone";
    field "generationConfig.thinkingConfig": "includeThoughts" "thinkingBudget" "thinkingLevel" => ADAPTED, "a level or a budget, as the model has it; 0 is none, -1 as it sees fit; less or none, and named, where the answer's length has no room for it";
    kind "generationConfig.responseFormat": "text" => ADAPTED, "as responseMimeType and responseJsonSchema";
    kind "generationConfig.responseFormat": "audio" "image" "video" => REFUSED, "text alone";
    field "generationConfig.responseFormat.text": "mimeType" "schema" "jsonSchema" => ADAPTED, "as responseMimeType and responseJsonSchema";
    field "generationConfig.speechConfig": "voiceConfig" "languageCode" "multiSpeakerVoiceConfig" => NAMED, "with its parent";
    field "generationConfig.imageConfig": "aspectRatio" "imageSize" "personGeneration" "prominentPeople" "outputMimeType" "outputCompressionQuality" "imageOutputOptions" => NAMED, "with its parent";

    kind "tools": "functionDeclarations" => CARRIED, "";
    kind "tools": "googleSearch" "googleSearchRetrieval" "enterpriseWebSearch" => ADAPTED, "the provider's own web search";
    kind "tools": "urlContext" => [Adapted, Refused, Refused], "pages that the provider reads";
    kind "tools": "codeExecution" "googleMaps" "fileSearch" "computerUse" "mcpServers" "retrieval" "parallelAiSearch" "exaAiSearch" => REFUSED, "a tool that runs at Google";
    field "tools.functionDeclarations": "name" "description" "parametersJsonSchema" => CARRIED, "";
    field "tools.functionDeclarations": "parameters" => ADAPTED, "written as JSON Schema";
    field "tools.functionDeclarations": "responseJsonSchema" => [Silent, Silent, Carried], "";
    field "tools.functionDeclarations": "response" => [Silent, Silent, Named], "";
    off "tools.functionDeclarations": "behavior" => REFUSED, "a tool that does not wait for its result";
    field "tools.googleSearch": "searchTypes" => ADAPTED, "of the web";
    field "tools.googleSearch": "timeRangeFilter" "blockingConfidence" => NAMED, "";
    off "tools.googleSearch": "excludeDomains" => [Adapted, Refused, Refused], "without it, the search is wider than it may be";
    field "tools.googleSearch.searchTypes": "webSearch" => SILENT, "";
    field "tools.googleSearch.searchTypes": "imageSearch" => NAMED, "";
    field "tools.googleSearch.timeRangeFilter": "startTime" "endTime" => NAMED, "with its parent";
    field "tools.googleSearchRetrieval": "dynamicRetrievalConfig" => NAMED, "";
    field "tools.enterpriseWebSearch": "blockingConfidence" => NAMED, "";
    off "tools.enterpriseWebSearch": "excludeDomains" => [Adapted, Refused, Refused], "without it, the search is wider than it may be";
    field "toolConfig": "functionCallingConfig" => CARRIED, "";
    field "toolConfig": "retrievalConfig" => NAMED, "";
    field "toolConfig": "includeServerSideToolInvocations" => SILENT, "";
    field "toolConfig.functionCallingConfig": "mode" "allowedFunctionNames" => ADAPTED, "VALIDATED is as AUTO";
    field "toolConfig.functionCallingConfig": "streamFunctionCallArguments" => SILENT, "calls come whole";
    field "toolConfig.retrievalConfig": "latLng" "languageCode" => NAMED, "with its parent";

    // What stands within something that is decided on as a whole.
    field "contents.parts.functionResponse.parts.mediaResolution": "level" "numTokens" => NAMED, "with its parent";
    field "contents.parts.functionResponse.parts.videoMetadata": "endOffset" "fps" "startOffset" "contentLayers" => REFUSED, "with its parent";
    field "contents.parts.functionResponse.parts.documentMetadata": "startPage" "endPage" "contentLayers" => REFUSED, "with its parent";
    field "contents.parts.functionResponse.parts.spreadsheetMetadata": "visibleCells" "sheetIndex" "contentLayers" => REFUSED, "with its parent";
    field "contents.parts.functionResponse.parts.audioMetadata": "startOffset" "endOffset" => REFUSED, "with its parent";
    field "contents.parts.audioTranscription.words": "word" "startOffset" "endOffset" => SILENT, "with its parent";
    field "contents.parts.spreadsheetMetadata": "contentLayers" => REFUSED, "with its parent";
    field "generationConfig.modelSelectionConfig": "featureSelectionPreference" => REFUSED, "with its parent";
    field "generationConfig.routingConfig": "autoMode" "manualMode" => REFUSED, "with its parent";
    field "generationConfig.routingConfig.autoMode": "modelRoutingPreference" => REFUSED, "with its parent";
    field "generationConfig.routingConfig.manualMode": "modelName" => REFUSED, "with its parent";
    field "generationConfig.speechConfig.voiceConfig": "replicatedVoiceConfig" "prebuiltVoiceConfig" "voice" => NAMED, "with its parent";
    field "generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig": "mimeType" "voiceSampleAudio" "consentAudio" "voiceConsentSignature" => NAMED, "with its parent";
    field "generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig.voiceConsentSignature": "signature" => NAMED, "with its parent";
    field "generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig": "voiceName" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig": "speakerVoiceConfigs" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs": "speaker" "voiceConfig" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs.voiceConfig": "replicatedVoiceConfig" "prebuiltVoiceConfig" "voice" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs.voiceConfig.replicatedVoiceConfig": "mimeType" "voiceSampleAudio" "consentAudio" "voiceConsentSignature" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs.voiceConfig.replicatedVoiceConfig.voiceConsentSignature": "signature" => NAMED, "with its parent";
    field "generationConfig.speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs.voiceConfig.prebuiltVoiceConfig": "voiceName" => NAMED, "with its parent";
    field "generationConfig.responseFormat.audio": "bitRate" "delivery" "mimeType" "sampleRate" => REFUSED, "with its parent";
    field "generationConfig.responseFormat.image": "aspectRatio" "delivery" "imageSize" "mimeType" => REFUSED, "with its parent";
    field "generationConfig.responseFormat.video": "aspectRatio" "delivery" "duration" "gcsUri" "resolution" => REFUSED, "with its parent";
    field "generationConfig.translationConfig": "echoTargetLanguage" "targetLanguageCode" => REFUSED, "with its parent";
    field "generationConfig.audioTranscriptionConfig": "languageCodes" "languageAuto" "languageHints" "customVocabulary" "adaptationPhrases" "wordTimestamp" "diarization" "mode" "sourceText" => REFUSED, "with its parent";
    field "generationConfig.audioTranscriptionConfig.languageHints": "languageCodes" => REFUSED, "with its parent";
    field "tools.retrieval": "disableAttribution" "externalApi" "vertexAiSearch" "vertexRagStore" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi": "apiAuth" "apiSpec" "authConfig" "elasticSearchParams" "endpoint" "simpleSearchParams" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.apiAuth": "apiKeyConfig" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.apiAuth.apiKeyConfig": "apiKeySecretVersion" "apiKeyString" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig": "apiKey" "apiKeyConfig" "authType" "googleServiceAccountConfig" "httpBasicAuthConfig" "oauthConfig" "oidcConfig" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig.apiKeyConfig": "apiKeySecret" "apiKeyString" "httpElementLocation" "name" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig.googleServiceAccountConfig": "serviceAccount" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig.httpBasicAuthConfig": "credentialSecret" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig.oauthConfig": "accessToken" "serviceAccount" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.authConfig.oidcConfig": "idToken" "serviceAccount" => REFUSED, "with its parent";
    field "tools.retrieval.externalApi.elasticSearchParams": "index" "numHits" "searchTemplate" => REFUSED, "with its parent";
    field "tools.retrieval.vertexAiSearch": "dataStoreSpecs" "datastore" "engine" "filter" "maxResults" => REFUSED, "with its parent";
    field "tools.retrieval.vertexAiSearch.dataStoreSpecs": "dataStore" "filter" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore": "ragCorpora" "ragResources" "ragRetrievalConfig" "similarityTopK" "storeContext" "vectorDistanceThreshold" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragResources": "ragCorpus" "ragFileIds" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig": "filter" "hybridSearch" "ranking" "topK" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig.filter": "metadataFilter" "vectorDistanceThreshold" "vectorSimilarityThreshold" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig.hybridSearch": "alpha" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig.ranking": "llmRanker" "rankService" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig.ranking.llmRanker": "modelName" => REFUSED, "with its parent";
    field "tools.retrieval.vertexRagStore.ragRetrievalConfig.ranking.rankService": "modelName" => REFUSED, "with its parent";
    field "tools.computerUse": "environment" "excludedPredefinedFunctions" "enablePromptInjectionDetection" "disabledSafetyPolicies" => REFUSED, "with its parent";
    field "tools.fileSearch": "fileSearchStoreNames" "topK" "metadataFilter" => REFUSED, "with its parent";
    field "tools.googleMaps": "authConfig" "enableWidget" "groundingTypes" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig": "apiKey" "apiKeyConfig" "authType" "googleServiceAccountConfig" "httpBasicAuthConfig" "oauthConfig" "oidcConfig" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig.apiKeyConfig": "apiKeySecret" "apiKeyString" "httpElementLocation" "name" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig.googleServiceAccountConfig": "serviceAccount" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig.httpBasicAuthConfig": "credentialSecret" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig.oauthConfig": "accessToken" "serviceAccount" => REFUSED, "with its parent";
    field "tools.googleMaps.authConfig.oidcConfig": "idToken" "serviceAccount" => REFUSED, "with its parent";
    field "tools.googleMaps.groundingTypes": "places" "routing" => REFUSED, "with its parent";
    field "tools.googleSearchRetrieval.dynamicRetrievalConfig": "dynamicThreshold" "mode" => NAMED, "with its parent";
    field "tools.parallelAiSearch": "apiKey" "customConfigs" "enableDataRetention" "enableZeroDataRetention" => REFUSED, "with its parent";
    field "tools.mcpServers": "name" "streamableHttpTransport" => REFUSED, "with its parent";
    field "tools.mcpServers.streamableHttpTransport": "headers" "sseReadTimeout" "terminateOnClose" "timeout" "url" => REFUSED, "with its parent";
    field "tools.exaAiSearch": "apiKey" "customConfigs" => REFUSED, "with its parent";
    field "toolConfig.retrievalConfig.latLng": "latitude" "longitude" => NAMED, "with its parent";
    field "modelArmorConfig": "promptTemplateName" "responseTemplateName" => REFUSED, "with its parent";
    field "generationOutputConfig": "outputUriPrefix" => REFUSED, "with its parent";
    field "generationConfig.imageConfig.imageOutputOptions": "compressionQuality" "mimeType" => NAMED, "with its parent";

    field "schema": "type" "nullable" "enum" "example" "propertyOrdering" "ref" "defs" => ADAPTED, "as JSON Schema says it";
    field "schema": "title" "description" "format" "default" "pattern" "items" "minItems" "maxItems" "properties" "required" "additionalProperties" "minProperties" "maxProperties" "minLength" "maxLength" "minimum" "maximum" "anyOf" => CARRIED, "";
};

/// A row, where the table has one.
pub(crate) fn find(place: &str, name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.place == place && field.name == name)
}
