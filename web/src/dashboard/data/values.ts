/** Values seen in the field, offered where they are typed; the sets are open. */

export const CATEGORIES =
  'component state media communication sync system pre_experiment post_experiment questionnaire sparse_rating scanner'.split(
    ' ',
  );

export const EVENT_TYPES =
  'component.start component.complete component.update component.response state.enter state.transition media.loaded media.play media.pause media.seek media.ended communication.message video.recording.started experiment.start experiment.end consent.accepted instructions.page_view instructions.comprehension_attempt instructions.comprehension_passed instructions.completed questionnaire.response questionnaire.completed sparse_rating_response trigger scanner_pulse variable.update'.split(
    ' ',
  );

export const COMPONENT_TYPES =
  'showtext showimage showvideo vasrating textinput multiplechoice waiting code continuousrating videochat textchat rapidrate audiorecording sparserating trigger ranking scannerpulserecorder likertscale gazeoverlay'.split(
    ' ',
  );
