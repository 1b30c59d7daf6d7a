import type { Call, DeviceSending } from '@communication-center/client';
import type { Phone } from '../calls/use-phone.js';
import type { Sending } from '../calls/use-sending.js';
import {
  IconDevices,
  IconMicrophone,
  IconMicrophoneOff,
  IconMore,
  IconPeople,
  IconPhoneOff,
  IconScreen,
  IconScreenOff,
  IconVideo,
  IconVideoOff,
} from '../icons.js';
import { Disclosure } from '../parts/disclosure.js';
import { Control } from './control.js';
import { showInFull, showInPicture } from './larger.js';
import { shareOrStop } from './share-screen.js';

export type SheetName = 'people' | 'details' | 'devices';

interface Props {
  call: Call;
  phone: Phone;
  sending: Sending;
  sheet: SheetName | undefined;
  onSheet: (sheet: SheetName) => void;
}

/** What one can do in a call: always in view, at the same place. */
export function ControlBar({ call, phone, sending, sheet, onSheet }: Props) {
  const { audio, video, toggle } = sending;
  const mayAskForVideo = call.callType === 'audio_upgradable' && call.phase === 'connected' && !call.state.upgrade;
  return (
    <div className="controls" role="toolbar" aria-label="Call controls">
      <Control
        label="Microphone"
        on={isOn(audio)}
        icon={isOn(audio) ? <IconMicrophone /> : <IconMicrophoneOff />}
        onClick={() => toggle('audio')}
      />
      {call.callType === 'audio_video' && (
        <Control label="Camera" on={isOn(video)} icon={isOn(video) ? <IconVideo /> : <IconVideoOff />} onClick={() => toggle('video')} />
      )}
      {(call.screen || call.mayShareScreen) && <ScreenControl call={call} phone={phone} />}
      {mayAskForVideo && <Control label="Ask for video" icon={<IconVideo />} onClick={() => phone.attempt(call.requestUpgrade())} />}
      <Control label="Devices" icon={<IconDevices />} expanded={sheet === 'devices'} onClick={() => onSheet('devices')} />
      <Control label="People" icon={<IconPeople />} expanded={sheet === 'people'} onClick={() => onSheet('people')} />
      <Disclosure
        label="More"
        className="control"
        shows={(close) => <More call={call} phone={phone} onDetails={() => onSheet('details')} close={close} />}
      >
        <span className="disc">
          <IconMore />
        </span>
        <span>More</span>
      </Disclosure>
      <button type="button" className="control" onClick={() => phone.hangUp(call)}>
        <span className="disc hang-up">
          <IconPhoneOff />
        </span>
        <span>{call.phase === 'connected' ? 'Hang up' : 'Cancel'}</span>
      </button>
    </div>
  );
}

/** Without a way to choose a screen, as on telephones, there is no button. */
function ScreenControl({ call, phone }: Pick<Props, 'call' | 'phone'>) {
  if (!navigator.mediaDevices?.getDisplayMedia) return null;
  const act = () => void shareOrStop(call, phone.notices);
  return call.screen ? (
    <Control label="Stop" name="Stop sharing your screen" icon={<IconScreenOff />} onClick={act} />
  ) : (
    <Control label="Share" name="Share your screen" icon={<IconScreen />} onClick={act} />
  );
}

const isOn = ({ wished, problem }: DeviceSending) => wished && !problem;

interface MoreProps {
  call: Call;
  phone: Phone;
  onDetails: () => void;
  close: () => void;
}

function More({ call, phone, onDetails, close }: MoreProps) {
  const choose = (act: () => void) => () => {
    close();
    act();
  };
  const show = (larger: () => Promise<string | undefined>) =>
    choose(() => {
      void larger().then((refused) => {
        if (refused) phone.notices.tell({ about: 'act', tone: 'bad', say: () => refused });
        else phone.notices.forget('act');
      });
    });
  const raiseOrLower = choose(() => phone.attempt(call.isHandRaised ? call.lowerHand() : call.raiseHand()));
  return (
    <>
      {call.phase === 'connected' && (
        <button type="button" className="choice" onClick={raiseOrLower}>
          {call.isHandRaised ? 'Lower your hand' : 'Raise your hand'}
        </button>
      )}
      <RecordingChoices call={call} phone={phone} choose={choose} />
      {document.fullscreenEnabled && (
        <button type="button" className="choice" onClick={show(showInFull)}>
          {document.fullscreenElement ? 'Leave full screen' : 'Full screen'}
        </button>
      )}
      {document.pictureInPictureEnabled && (
        <button type="button" className="choice" onClick={show(showInPicture)}>
          Picture in picture
        </button>
      )}
      <button type="button" className="choice" onClick={choose(onDetails)}>
        Details
      </button>
    </>
  );
}

/** Who called may have the call recorded, where the app lets users; everybody sees that it is. */
function RecordingChoices({ call, phone, choose }: Pick<MoreProps, 'call' | 'phone'> & { choose: (act: () => void) => () => void }) {
  if (call.phase !== 'connected' || call.direction !== 'outgoing') return null;
  const choice = (label: string, act: () => Promise<void>) => (
    <button type="button" className="choice" onClick={choose(() => phone.attempt(act()))}>
      {label}
    </button>
  );
  if (!call.recording) return choice('Record this call', () => call.startRecording());
  return (
    <>
      {call.recording.paused
        ? choice('Go on recording', () => call.resumeRecording())
        : choice('Pause the recording', () => call.pauseRecording())}
      {choice('Stop recording', () => call.stopRecording())}
    </>
  );
}
