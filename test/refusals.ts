// What each mutation refuses, and how: the table that test/mutations.test.ts walks.
type Refusal = { type: "InputError" | "NotFoundError" | "RefusedError"; code: string; field?: string };
/** By mutation: calls that must be refused, and how. The model "toy" exists, and nothing else. */
export const refusals: Record<string, [call: string, refusal: Refusal][]> = {
  addPicture: [['(input: { name: "x.png" })', { type: "InputError", code: "FILE_MISSING", field: "file" }]],
  addProvider: [
    [
      '(input: { name: "p", kind: "fax" })',
      { type: "InputError", code: "PROVIDER_KIND_UNKNOWN", field: "kind" },
    ],
    [
      '(input: { name: "p", kind: "azure", key: "k" })',
      { type: "InputError", code: "URL_INVALID", field: "url" },
    ],
    ['(input: { name: "p", kind: "openai" })', { type: "InputError", code: "KEY_MISSING", field: "key" }],
    ['(input: { name: "a/b", kind: "ollama" })', { type: "InputError", code: "NAME_INVALID", field: "name" }],
    [
      '(input: { name: "p", kind: "ollama" })',
      { type: "RefusedError", code: "ADDRESS_PRIVATE", field: "url" },
    ],
    [
      '(input: { name: "p", kind: "ollama", url: "http://169.254.169.254/v1", allowPrivate: true })',
      { type: "RefusedError", code: "ADDRESS_FORBIDDEN", field: "url" },
    ],
    [
      '(input: { name: "p", kind: "ollama", models: [{ model: "x", prices: { input: -1 } }] })',
      { type: "InputError", code: "PARAMETER_INVALID", field: "models.0.prices.input" },
    ],
    [
      '(input: { name: "p", kind: "anthropic", key: "k", models: [{ model: "x", abilities: [EMBEDDING] }] })',
      { type: "InputError", code: "PROVIDER_CANNOT", field: "models" },
    ],
  ],
  updateProvider: [
    [
      '(input: { provider: "nobody" })',
      { type: "NotFoundError", code: "PROVIDER_NOT_FOUND", field: "provider" },
    ],
  ],
  testProvider: [['(provider: "nobody")', { type: "NotFoundError", code: "PROVIDER_NOT_FOUND" }]],
  listRemoteModels: [['(provider: "nobody")', { type: "NotFoundError", code: "PROVIDER_NOT_FOUND" }]],
  removeProvider: [['(provider: "nobody")', { type: "NotFoundError", code: "PROVIDER_NOT_FOUND" }]],
  cancelRun: [['(id: "run_x")', { type: "NotFoundError", code: "NOT_FOUND" }]],
  retryRun: [
    ['(id: "run_x")', { type: "NotFoundError", code: "NOT_FOUND" }],
    ['(id: "$RUN")', { type: "RefusedError", code: "RUN_NOT_RETRYABLE" }],
  ],
  createApiKey: [
    ['(name: "", scopes: ["read"])', { type: "InputError", code: "KEY_NAME_EMPTY", field: "name" }],
    ['(name: "k", scopes: ["fly"])', { type: "InputError", code: "SCOPE_UNKNOWN", field: "scopes" }],
  ],
  changePassword: [
    ['(current: "x", wanted: "correct horse")', { type: "RefusedError", code: "KEY_HAS_NO_PASSWORD" }],
  ],
  changeRole: [
    ['(id: "mbr_x", role: "member")', { type: "NotFoundError", code: "PERSON_NOT_FOUND", field: "id" }],
    ['(id: "mbr_x", role: "king")', { type: "InputError", code: "ROLE_UNKNOWN", field: "role" }],
    ['(id: "mbr_x", role: "owner")', { type: "RefusedError", code: "ROLE_BEYOND_YOURS", field: "role" }],
  ],
  disablePerson: [['(id: "mbr_x")', { type: "NotFoundError", code: "PERSON_NOT_FOUND" }]],
  enablePerson: [['(id: "mbr_x")', { type: "NotFoundError", code: "PERSON_NOT_FOUND" }]],
  removePerson: [['(id: "mbr_x")', { type: "NotFoundError", code: "PERSON_NOT_FOUND" }]],
  resetPassword: [['(id: "mbr_x")', { type: "NotFoundError", code: "PERSON_NOT_FOUND" }]],
  endSession: [['(id: "ses_x")', { type: "NotFoundError", code: "SESSION_NOT_FOUND" }]],
  endSessions: [['(personId: "mbr_x")', { type: "NotFoundError", code: "PERSON_NOT_FOUND" }]],
  invitePerson: [
    ['(role: "king")', { type: "InputError", code: "ROLE_UNKNOWN", field: "role" }],
    ['(role: "owner")', { type: "RefusedError", code: "ROLE_BEYOND_YOURS", field: "role" }],
    [`(role: "member", note: "${"x".repeat(201)}")`, { type: "InputError", code: "NOTE_TOO_LONG" }],
  ],
  revokeInvitation: [['(id: "otl_x")', { type: "NotFoundError", code: "INVITATION_NOT_FOUND" }]],
  createProject: [['(name: "p")', { type: "RefusedError", code: "PROJECT_NEEDS_PERSON" }]],
  renameProject: [['(name: " ")', { type: "InputError", code: "PROJECT_NAME_INVALID", field: "name" }]],
  archiveProject: [["", { type: "RefusedError", code: "PROJECT_NEEDS_PERSON" }]],
  restoreProject: [['(id: "prj_x")', { type: "NotFoundError", code: "PROJECT_NOT_FOUND" }]],
  switchProject: [['(id: "prj_x")', { type: "RefusedError", code: "KEY_IS_BOUND" }]],
  revokeApiKey: [['(id: "key_x")', { type: "NotFoundError", code: "KEY_NOT_FOUND" }]],
  delete: [
    ['(id: "nobody")', { type: "NotFoundError", code: "NOT_FOUND" }],
    ['(id: "$RUN")', { type: "RefusedError", code: "NOT_DELETABLE", field: "id" }],
  ],
  createKnowledgeBase: [
    ['(input: { name: "../k" })', { type: "InputError", code: "NAME_INVALID", field: "name" }],
    [
      '(input: { name: "k", embedder: "nobody" })',
      { type: "NotFoundError", code: "EMBEDDER_NOT_FOUND", field: "embedder" },
    ],
  ],
  updateKnowledgeBase: [
    ['(input: { id: "kb_x" })', { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" }],
  ],
  addDocuments: [
    [
      '(input: { knowledgeBase: "kb_x", files: [{ name: "a.txt", uploadId: "upl_x" }] })',
      { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" },
    ],
  ],
  labelQuestions: [
    ['(knowledgeBase: "kb_x", questions: [])', { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" }],
  ],
  importLabelledQuestions: [
    ['(knowledgeBase: "kb_x", text: "")', { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" }],
  ],
  deleteLabelledQuestion: [['(id: "lqu_x")', { type: "NotFoundError", code: "QUESTION_NOT_FOUND" }]],
  startRetrievalEvaluation: [
    [
      '(input: { knowledgeBase: "kb_x", settings: [{}] })',
      { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" },
    ],
  ],
  retryDocument: [['(id: "doc_x")', { type: "NotFoundError", code: "DOCUMENT_NOT_FOUND" }]],
  deleteDocument: [['(id: "doc_x")', { type: "NotFoundError", code: "DOCUMENT_NOT_FOUND" }]],
  deleteKnowledgeBase: [['(id: "kb_x")', { type: "NotFoundError", code: "KNOWLEDGE_BASE_NOT_FOUND" }]],
  startAssessment: [
    [
      '(input: { name: "a", dataset: "nobody", graders: ["exact"], candidates: [{ model: "toy" }] })',
      { type: "NotFoundError", code: "DATASET_NOT_FOUND" },
    ],
  ],
  collectRows: [
    [
      '(input: { assessment: { name: "nobody", candidate: "toy" }, as: EXAMPLES, name: "d" })',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND" },
    ],
    [
      '(input: { feedback: { ids: ["fbk_x"] }, as: EXAMPLES, name: "d" })',
      { type: "NotFoundError", code: "FEEDBACK_NOT_FOUND", field: "feedback.ids" },
    ],
    [
      "(input: { feedback: {}, as: EXAMPLES })",
      { type: "InputError", code: "COLLECT_INVALID", field: "name" },
    ],
    [
      '(input: { feedback: {}, as: EXAMPLES, name: "d", split: "best" })',
      { type: "InputError", code: "COLLECT_INVALID", field: "split" },
    ],
  ],
  scoreAgain: [
    [
      '(id: "asm_x", name: "b", graders: ["exact"])',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" },
    ],
  ],
  rateAnswer: [
    [
      '(id: "asm_x", grader: 0, answerId: "ans_x", value: 1)',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" },
    ],
  ],
  takeBackRating: [
    [
      '(id: "asm_x", grader: 0, answerId: "ans_x")',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" },
    ],
  ],
  startFactorial: [
    [
      '(input: { name: "a", model: "toy", knowledgeBases: [], dataset: "d", graders: ["exact"] })',
      { type: "InputError", code: "FACTORIAL_INVALID", field: "knowledgeBases" },
    ],
  ],
  createSuite: [
    ['(name: "../s")', { type: "InputError", code: "NAME_INVALID", field: "name" }],
    [
      '(name: "s", assessments: ["nobody"])',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" },
    ],
  ],
  addToSuite: [
    [
      '(suite: "sui_x", assessment: "asm_x")',
      { type: "NotFoundError", code: "SUITE_NOT_FOUND", field: "suite" },
    ],
  ],
  takeOutOfSuite: [
    ['(suite: "sui_x", entry: "x")', { type: "NotFoundError", code: "SUITE_NOT_FOUND", field: "suite" }],
  ],
  copySuite: [
    ['(suite: "sui_x", name: "y")', { type: "NotFoundError", code: "SUITE_NOT_FOUND", field: "suite" }],
  ],
  startSuite: [
    [
      '(suite: "sui_x", candidates: [{ model: "toy" }])',
      { type: "NotFoundError", code: "SUITE_NOT_FOUND", field: "suite" },
    ],
  ],
  resumeAssessment: [['(id: "asm_x")', { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" }]],
  createGate: [
    [
      '(name: "g", rule: { assessment: "nobody", atLeast: 0.5 })',
      { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" },
    ],
    [
      '(name: "../g", rule: { assessment: "nobody", atLeast: 0.5 })',
      { type: "InputError", code: "NAME_INVALID", field: "name" },
    ],
  ],
  deleteGate: [['(gate: "nobody")', { type: "NotFoundError", code: "GATE_NOT_FOUND", field: "gate" }]],
  assessForGate: [
    ['(gate: "nobody", model: "toy")', { type: "NotFoundError", code: "GATE_NOT_FOUND", field: "gate" }],
  ],
  checkOverlap: [['(id: "asm_x")', { type: "NotFoundError", code: "ASSESSMENT_NOT_FOUND", field: "id" }]],
  undelete: [
    ['(id: "nobody")', { type: "NotFoundError", code: "NOT_IN_TRASH", field: "id" }],
    ['(id: "base_x")', { type: "NotFoundError", code: "NOT_IN_TRASH", field: "id" }],
  ],
  purge: [
    ['(id: "nobody")', { type: "NotFoundError", code: "NOT_IN_TRASH", field: "id" }],
    ['(id: "base_x")', { type: "NotFoundError", code: "NOT_IN_TRASH", field: "id" }],
  ],
  rename: [
    ['(id: "nobody", name: "n")', { type: "NotFoundError", code: "NOT_FOUND" }],
    ['(id: "base_x", name: "n")', { type: "NotFoundError", code: "NOT_FOUND" }],
    ['(id: "toy", name: "../n")', { type: "InputError", code: "NAME_INVALID", field: "name" }],
    ['(id: "$RUN", name: "n")', { type: "RefusedError", code: "NOT_RENAMABLE", field: "id" }],
  ],
  deleteConversation: [['(id: "cnv_x")', { type: "NotFoundError", code: "CONVERSATION_NOT_FOUND" }]],
  copyConversation: [['(id: "cnv_x")', { type: "NotFoundError", code: "CONVERSATION_NOT_FOUND" }]],
  shareConversation: [
    ['(id: "cnv_x", isShared: true)', { type: "NotFoundError", code: "CONVERSATION_NOT_FOUND" }],
  ],
  deployModel: [
    ['(input: { modelId: "nobody", precision: FP32 })', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
    [
      '(input: { modelId: "toy", name: "toy", precision: FP32 })',
      { type: "RefusedError", code: "NAME_TAKEN" },
    ],
  ],
  editCard: [
    ['(id: "base_x", text: "")', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
    ['(id: "$RUN", text: "")', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
  ],
  importDataset: [
    ['(input: { name: "d" })', { type: "InputError", code: "FILE_MISSING", field: "file" }],
    ['(input: { name: "d", uploadId: "upl_x" })', { type: "NotFoundError", code: "UPLOAD_NOT_FOUND" }],
    [
      '(input: { name: "d", uploadId: "upl_x", mapping: { question: "q" } })',
      { type: "InputError", code: "MAPPING_INVALID", field: "mapping" },
    ],
  ],
  importModel: [
    [
      '(input: { name: "m", path: "/nowhere" })',
      { type: "NotFoundError", code: "MODEL_NOT_FOUND", field: "path" },
    ],
    [
      '(input: { name: "../m", path: "/nowhere" })',
      { type: "InputError", code: "NAME_INVALID", field: "name" },
    ],
    ['(input: { name: "toy", path: "$TOY" })', { type: "RefusedError", code: "NAME_TAKEN", field: "name" }],
  ],
  registerModel: [
    ['(input: { liveId: "nobody", alias: "a" })', { type: "NotFoundError", code: "LIVE_NOT_FOUND" }],
    ['(input: { liveId: "toy", alias: "a" })', { type: "NotFoundError", code: "LIVE_NOT_FOUND" }],
  ],
  unregisterModel: [['(alias: "nobody")', { type: "NotFoundError", code: "ALIAS_NOT_FOUND" }]],
  retireLive: [['(id: "nobody")', { type: "NotFoundError", code: "LIVE_NOT_FOUND" }]],
  startLive: [['(id: "nobody")', { type: "NotFoundError", code: "LIVE_NOT_FOUND" }]],
  stopLive: [['(id: "nobody")', { type: "NotFoundError", code: "LIVE_NOT_FOUND" }]],
  saveModel: [
    ['(input: { customizedId: "nobody" })', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
    ['(input: { customizedId: "toy" })', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
  ],
  startImages: [
    ['(input: { model: "nobody", prompt: "a fox" })', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
    [
      '(input: { model: "toy", prompt: "a fox" })',
      { type: "RefusedError", code: "MODEL_CANNOT", field: "model" },
    ],
  ],
  addImage: [['(input: { uploadId: "upl_x" })', { type: "NotFoundError", code: "UPLOAD_NOT_FOUND" }]],
  sendMessage: [
    ['(input: { model: "nobody", text: "hello" })', { type: "NotFoundError", code: "MODEL_NOT_FOUND" }],
    ['(input: { model: "toy", text: "" })', { type: "InputError", code: "MESSAGE_EMPTY", field: "text" }],
    [
      '(input: { model: "toy", text: "hello", temperature: 9 })',
      { type: "InputError", code: "PARAMETER_INVALID", field: "temperature" },
    ],
    [
      '(input: { model: "toy", text: "hello", isJson: true, stop: ["}"] })',
      { type: "InputError", code: "PARAMETER_INVALID", field: "stop" },
    ],
    [
      '(input: { model: "toy", text: "hello", schema: { type: "string", pattern: "a" } })',
      { type: "InputError", code: "FORMAT_UNSUPPORTED", field: "schema" },
    ],
  ],
  retryReply: [['(input: { messageId: "msg_x" })', { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" }]],
  savePrompt: [
    ['(input: { name: " ", text: "t" })', { type: "InputError", code: "PROMPT_INVALID", field: "name" }],
    ['(input: { name: "n", text: "" })', { type: "InputError", code: "PROMPT_INVALID", field: "text" }],
  ],
  deletePrompt: [['(id: "prm_x")', { type: "NotFoundError", code: "PROMPT_NOT_FOUND" }]],
  rateReply: [['(messageId: "msg_x", rating: UP)', { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" }]],
  editReply: [['(messageId: "msg_x", text: "t")', { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" }]],
  voteOnReplies: [
    [
      '(input: { messageIds: ["msg_x"], verdict: TIE })',
      { type: "InputError", code: "VOTE_INVALID", field: "messageIds" },
    ],
    [
      '(input: { messageIds: ["msg_x", "msg_y"], verdict: TIE })',
      { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" },
    ],
  ],
  showBranch: [['(messageId: "msg_x")', { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" }]],
  renameConversation: [
    ['(id: "cnv_x", title: "t")', { type: "NotFoundError", code: "CONVERSATION_NOT_FOUND" }],
  ],
  setWebhook: [
    ['(input: { url: "ftp://x.example" })', { type: "InputError", code: "URL_INVALID", field: "url" }],
    [
      '(input: { url: "http://127.0.0.1:9/" })',
      { type: "RefusedError", code: "ADDRESS_PRIVATE", field: "url" },
    ],
    [
      '(input: { url: "http://169.254.169.254/", allowPrivate: true })',
      { type: "RefusedError", code: "ADDRESS_FORBIDDEN", field: "url" },
    ],
  ],
  renewWebhookSecret: [["", { type: "NotFoundError", code: "WEBHOOK_NOT_FOUND" }]],
  testWebhook: [["", { type: "NotFoundError", code: "WEBHOOK_NOT_FOUND" }]],
  removeWebhook: [["", { type: "NotFoundError", code: "WEBHOOK_NOT_FOUND" }]],
  stopReply: [['(messageId: "msg_x")', { type: "NotFoundError", code: "MESSAGE_NOT_FOUND" }]],
  startTraining: [
    [
      '(input: { name: "t", baseId: "nobody", datasetVersionId: "d", method: "sft" })',
      { type: "NotFoundError", code: "MODEL_NOT_FOUND" },
    ],
    [
      '(input: { name: "t", baseId: "toy", datasetVersionId: "d", method: "sft" })',
      { type: "NotFoundError", code: "DATASET_NOT_FOUND" },
    ],
  ],
};
